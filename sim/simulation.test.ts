import { afterAll, describe, expect, it, vi } from 'vitest';

vi.mock('idb', () => import('./browser/fake-idb.ts'));
const { installGlobals } = await import('./globals.ts');
const { simulate } = await import('./simulation.ts');

describe('a simulation', () => {
  const { stackTraceLimit } = Error;
  installGlobals();
  afterAll(() => void (Error.stackTraceLimit = stackTraceLimit));

  it('does exactly the same for the same seed', async () => {
    const [first, second, other] = [await simulate(11), await simulate(11), await simulate(12)];
    expect(first.failure).toBeNull();
    expect([second.events, second.simulatedMs]).toEqual([first.events, first.simulatedMs]);
    expect(second.timeline()).toBe(first.timeline());
    expect(other.timeline()).not.toBe(first.timeline());
  }, 60_000);
});
