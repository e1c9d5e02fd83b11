import { expect, it } from 'vitest';
import { Kernel } from '../kernel/kernel.ts';
import { Random } from '../kernel/random.ts';
import { Pipe } from './pipe.ts';

it('brings everything in the order in which it was sent, also what arrives at one moment', async () => {
  const kernel = new Kernel();
  const pipe = new Pipe(kernel, new Random('pipe'), { delayMs: 0.2, jitterMs: 100, bytesPerMs: 50 });
  const chance = new Random('frames');
  const arrived: number[] = [];
  let sent = 0;
  for (let atMs = 0; atMs < 20_000; atMs += chance.next()) {
    kernel.schedule(atMs, () => {
      const number = (sent += 1);
      pipe.push(chance.int(0, 20), () => arrived.push(number));
    });
  }
  await kernel.run(60_000);
  expect(arrived).toEqual(Array.from({ length: sent }, (_, index) => index + 1));
});
