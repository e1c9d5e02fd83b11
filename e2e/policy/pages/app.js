// The app of a page: shows what it sees, and complains of each violation of the page's policy.
addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) =>
  console.error(`violation: ${effectiveDirective} ${blockedURI}`),
);

globalThis.start = (connect) => {
  const query = new URLSearchParams(location.search);
  const socket = connect(query.get('server'), JSON.parse(query.get('options')));
  const showStatus = () => (document.querySelector('#status').textContent = JSON.stringify(socket.status));
  socket.addEventListener('status', showStatus);
  showStatus();
  socket.subscribe('news').onMessage(({ payload }) => {
    document.querySelector('#messages').textContent += `${payload}\n`;
  });
  document.querySelector('form').addEventListener('submit', (event) => {
    event.preventDefault();
    socket.publish('news', document.querySelector('input').value);
  });
};
