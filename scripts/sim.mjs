// `npm run sim`: bundles the simulation, and runs it; with --mutants, against code that is broken on purpose.
import { constants, setPriority } from 'node:os';
import { resolve } from 'node:path';
import { build } from 'vite';
import { mutants } from '../sim/mutants.mjs';
import { smallLimits } from '../sim/small-limits.mjs';
import { root, run } from './run.mjs';

/** Seeds that each mutant gets until it must have been caught, unless it or --seeds says otherwise. */
const mutantSeeds = 400;

/** Replaces what stands exactly once in a file; anything else is a mutant that has not kept up with the code. */
const mutate = (text, { file, find, replace }, name) => {
  const count = text.split(find).length - 1;
  if (count !== 1) throw new Error(`mutant "${name}": its text stands ${count} times in ${file}`);
  return text.replace(find, () => replace);
};

/** Bundles sim/main.ts, with the simulated database in the place of the package `idb`; gives the bundle's path. */
const bundle = async (folder, { name, edits: mistakes } = { name: '', edits: [] }) => {
  const edits = [...smallLimits, ...mistakes];
  const outDir = resolve(root, '.cache/sim', folder);
  const missing = new Set(edits);
  const apply = {
    name: 'mutant',
    enforce: 'pre',
    transform(code, id) {
      const own = edits.filter(({ file }) => resolve(root, file) === id);
      for (const edit of own) missing.delete(edit);
      return own.length > 0 ? own.reduce((text, edit) => mutate(text, edit, name), code) : null;
    },
  };
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    resolve: { alias: { idb: resolve(root, 'sim/browser/fake-idb.ts') } },
    plugins: [apply],
    build: { ssr: resolve(root, 'sim/main.ts'), outDir, emptyOutDir: true, minify: false, target: 'node20' },
  });
  for (const { file } of missing) throw new Error(`mutant "${name}": ${file} is no part of the simulation`);
  return resolve(outDir, 'main.js');
};

const runMutants = async (chosen, args) => {
  const missed = [];
  let [seeds, speed] = [0, 0];
  for (const mutant of chosen) {
    let path;
    try {
      path = await bundle(`mutants/${mutant.name.replaceAll(/\W+/g, '-')}`, mutant);
    } catch (error) {
      console.log(`STALE   ${error.message}`);
      missed.push(mutant.name);
      continue;
    }
    const { code, output } = await run(process.execPath, [
      path,
      '--first',
      '--seeds',
      `${mutant.seeds ?? mutantSeeds}`,
      ...args,
    ]);
    const why = /^seed \d+, .*$/m.exec(output)?.[0] ?? output.trim().split('\n').slice(-3).join(' | ');
    const isCaught = code === 1 && why.startsWith('seed');
    console.log(`${isCaught ? 'caught' : 'MISSED'}  ${mutant.name.padEnd(52)} ${why.slice(0, 150)}`);
    if (!isCaught) missed.push(mutant.name);
    const sum = /seeds (\d+), .* per second (\d+)$/m.exec(output);
    seeds += Number(sum?.[1] ?? 0);
    speed = Number(sum?.[2] ?? 0);
  }
  console.log(`mutants ${chosen.length}, caught ${chosen.length - missed.length}`);
  console.log(`seeds ${seeds}, violations ${missed.length}, simulated seconds per second ${speed}`);
  return missed.length > 0 ? 1 : 0;
};

// It computes for as long as it runs: whatever waits for a moment beside it comes first.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
const args = process.argv.slice(2);
// The simulation ends by itself when the terminal sends it a SIGINT, and still says what it came to.
process.on('SIGINT', () => {});
const at = args.indexOf('--mutant');
const name = at < 0 ? undefined : args.splice(at, 2)[1];
const all = args.indexOf('--mutants');
if (all >= 0) args.splice(all, 1);
if (all >= 0 || at >= 0) {
  const chosen = mutants.filter((mutant) => name === undefined || mutant.name === name);
  if (chosen.length === 0) throw new Error(`there is no mutant "${name}"`);
  process.exitCode = await runMutants(chosen, args);
} else {
  const { code } = await run(process.execPath, [await bundle('whole'), ...args], { show: true });
  process.exitCode = code;
}
