import { build } from 'vite';
import { root } from './run.mjs';

const contract = 'worker/core/hub-api.ts';

/**
 * Our scripts with the next version of the contract between tab and hub, and no other difference, by their names: for tests
 * of two builds that meet.
 */
export const buildNewer = async () => {
  /** @type {Map<string, string>} */
  const scripts = new Map();
  let found = 0;
  const countUp = {
    name: 'newer-contract',
    enforce: /** @type {const} */ ('pre'),
    transform: (/** @type {string} */ code, /** @type {string} */ id) =>
      id.endsWith(contract)
        ? code.replace(/(?<=\bhubApiVersion = )\d+/, (version) => {
            found += 1;
            return `${Number(version) + 1}`;
          })
        : undefined,
  };
  for (const mode of ['index', 'worker']) {
    const result = await build({
      root,
      configFile: `${root}/vite.config.ts`,
      mode,
      logLevel: 'error',
      build: { write: false, sourcemap: false, license: false },
      plugins: [countUp],
    });
    for (const part of [result].flat()) {
      for (const file of 'output' in part ? part.output : []) {
        if (file.type === 'chunk') scripts.set(file.fileName, file.code);
      }
    }
  }
  if (found !== 2) throw new Error(`${contract} has no version to count up`);
  return scripts;
};
