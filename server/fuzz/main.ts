/** `npm run fuzz -- --frames 1000000 --seed 1`: prints its seed, and replays from it. */
import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';

const { values } = parseArgs({ options: { frames: { type: 'string' }, seed: { type: 'string' } } });
const frames = Number(values.frames ?? 1_000_000);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const say = (line: string) => process.stdout.write(`${line}\n`);

say(`fuzz: ${frames} frames, seed ${seed}`);
const startedAt = performance.now();
const seconds = () => ((performance.now() - startedAt) / 1000).toFixed(0);
try {
  const report = await fuzz({
    seed,
    frames,
    progress: (count) => {
      if (count % 100_000 === 0) say(`${count} frames, ${seconds()} s`);
    },
  });
  const { sessionFrames, socketFrames, heapGrowth, digest } = report;
  say(`${sessionFrames} frames to sessions, ${socketFrames} over sockets, ${seconds()} s: no violation`);
  say(`heap growth ${(heapGrowth / 1024 / 1024).toFixed(1)} MiB, frames ${digest.slice(0, 16)}`);
} catch (reason) {
  say(reason instanceof Error ? `${reason.message}\n${reason.stack}` : String(reason));
  say(`replay: npm run fuzz -- --frames ${frames} --seed ${seed}`);
  process.exitCode = 1;
}
