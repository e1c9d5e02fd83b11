import fc from 'fast-check';
import { describe, it } from 'vitest';
import type { WhenFull } from './hub-api.ts';
import { OutboxWorld } from './testing/outbox-world.ts';

type Command = readonly [weight: number, arbitrary: fc.Arbitrary<(world: OutboxWorld) => void>];

const tab = fc.nat(2);
const few = fc.integer({ min: 1, max: 4 });

/** A command of the world, with what it is given. */
const command = <T extends unknown[]>(
  weight: number,
  args: { [K in keyof T]: fc.Arbitrary<T[K]> },
  run: (world: OutboxWorld, ...args: T) => void,
): Command => [
  weight,
  fc.tuple<T>(...args).map((given) =>
    Object.assign((world: OutboxWorld) => run(world, ...given), {
      [fc.toStringMethod]: () => `${run} ${JSON.stringify(given)}`,
    }),
  ),
];

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });

const life: Command[] = [
  command(
    9,
    [
      tab,
      fc.nat(25),
      fc.record({
        ttlMs: optional(fc.integer({ min: 1, max: 200 })),
        coalesceKey: optional(fc.constantFrom('k', 'l')),
        volatile: fc.boolean().map((isVolatile) => isVolatile || undefined),
        topic: fc.constantFrom('t', 'u'),
      }),
    ],
    (world, index, bytes, more) => world.publish(index, bytes, more),
  ),
  command(4, [tab, fc.nat(20)], (world, index, bytes) => world.publish(index, bytes, {})),
  command(
    4,
    [
      tab,
      fc.nat(20),
      fc.record({
        ttlMs: optional(fc.integer({ min: 1, max: 200 })),
        coalesceKey: optional(fc.constantFrom('k', 'l')),
        topic: fc.constantFrom('t', 'u'),
      }),
    ],
    (world, index, size, more) => world.publish(index, size, { ...more, isLarge: true }),
  ),
  command(5, [few], (world, count) => world.read(count)),
  command(5, [fc.integer({ min: 1, max: 7 })], (world, rounds) => world.carry(rounds)),
  command(1, [], (world) => world.forget()),
  command(3, [few], (world, count) => world.write(count)),
  command(5, [few], (world, count) => world.settle(count)),
  command(4, [], (world) => world.connect()),
  command(2, [fc.constantFrom(1006, 1006, 1009)], (world, code) => world.lose(code)),
  command(5, [few, fc.nat(4)], (world, count, chance) => world.serverTakes(count, chance === 0)),
  command(4, [], (world) => world.ack()),
  command(2, [fc.nat(150)], (world, ms) => world.sleep(ms)),
  command(2, [tab, fc.nat(20)], (world, index, which) =>
    world.op(index, { kind: 'withdraw', id: 'w', entryId: world.pendingId(which) }),
  ),
  command(1, [tab], (world, index) => world.reattach(index)),
  command(1, [], (world) => world.crash()),
];
const purge = command(1, [tab], (world, index) => world.op(index, { kind: 'purge', id: 'p' }));

const sequences = (commands: readonly Command[]) =>
  fc.array(fc.oneof(...commands.map(([weight, arbitrary]) => ({ weight, arbitrary }))), {
    maxLength: 120,
    size: 'max',
  });

const run = (whenFull: WhenFull, sequence: readonly ((world: OutboxWorld) => void)[]) => {
  const world = new OutboxWorld(whenFull);
  for (const step of sequence) step(world);
  world.drain();
  world.check();
};

describe.each(['reject', 'drop-oldest', 'block'] as const)(
  'an outbox that is full and does %s',
  (whenFull) => {
    it('gives every entry one fate, the true one, in order, whenever the hub dies', () => {
      fc.assert(
        fc.property(sequences(life), (sequence) => run(whenFull, sequence)),
        { numRuns: 150 },
      );
    }, 60_000);

    it('does so when it is emptied now and then', () => {
      fc.assert(
        fc.property(sequences([...life, purge]), (sequence) => run(whenFull, sequence)),
        { numRuns: 50 },
      );
    }, 60_000);
  },
);
