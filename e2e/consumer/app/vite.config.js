export default {
  build: { rolldownOptions: { input: ['index.html', 'worker-option.html'] } },
};
