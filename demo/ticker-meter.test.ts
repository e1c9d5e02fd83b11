import { expect, test } from 'vitest';
import { createTickerMeter, type TickerMeter } from './ticker-meter.ts';

const receive = (meter: TickerMeter, epoch: string, offset: number, nowMs = 0): void =>
  meter.received({ epoch, offset, payload: { price: 100 } }, 1, nowMs);

test('finds no hole in consecutive offsets', () => {
  const meter = createTickerMeter();
  for (let offset = 41; offset < 60; offset += 1) receive(meter, 'e1', offset);
  expect(meter.read(0)).toMatchObject({ received: 19, holes: 0 });
});

test('counts offsets that are left out, and one that comes twice', () => {
  const meter = createTickerMeter();
  for (const offset of [1, 2, 5, 5]) receive(meter, 'e1', offset);
  expect(meter.read(0).holes).toBe(2 + 1);
});

test('counts what a gap notice tells as announced, and not as a hole', () => {
  const meter = createTickerMeter();
  receive(meter, 'e1', 10);
  meter.announced({ epoch: 'e1', offset: 20, missed: 10 });
  receive(meter, 'e1', 21);
  meter.announced({ epoch: 'e2', offset: 0, missed: null });
  receive(meter, 'e2', 1);
  expect(meter.read(0)).toMatchObject({ holes: 0, gaps: 2, missed: 10 });
});

test('counts a new epoch without a notice as a hole', () => {
  const meter = createTickerMeter();
  receive(meter, 'e1', 10);
  receive(meter, 'e2', 1);
  expect(meter.read(0).holes).toBe(1);
});

test('gives the rate over the last two full seconds, however long nobody looked', () => {
  const meter = createTickerMeter();
  for (let ms = 0; ms < 3_000; ms += 1) receive(meter, 'e1', ms, ms);
  expect(meter.read(3_000).perSecond).toBe(1_000);
  expect(meter.read(600_000)).toMatchObject({ perSecond: 0, received: 3_000 });
});
