import { describe, expect, it } from 'vitest';
import type { AttachReply, HubStatus } from '../worker/core/hub-api.ts';
import { failure } from './failure.ts';
import { attachedReply } from './testing/scripted-world.ts';
import { createTabStatus } from './tab-status.ts';

function tab() {
  const events = new EventTarget();
  const told: unknown[] = [];
  for (const type of ['status', 'signal-dropped']) {
    events.addEventListener(type, (event) => {
      const { detail } = event as CustomEvent;
      told.push(
        type === 'status'
          ? `${detail.state}, ${detail.signalsDropped} dropped`
          : `${detail.topic}: ${detail.error.name} ${detail.error.code}`,
      );
    });
  }
  return { tabStatus: createTabStatus('a', events, (next) => next), told };
}

/** The status of a hub that is connected and has dropped so many signals. */
const hubStatus = (signalsDropped: number, hubId = 'hub'): HubStatus => {
  const reply = attachedReply(hubId, { status: { signalsDropped } });
  return (reply as Extract<AttachReply, { kind: 'attached' }>).status;
};

describe('the status of a tab', () => {
  it("is the hub's, with the tab's own id", () => {
    const { tabStatus, told } = tab();
    expect(tabStatus.take({ kind: 'status', status: hubStatus(0) })).toBe(true);
    expect(tabStatus.status).toEqual({ ...hubStatus(0), tabId: 'a' });
    expect(told).toEqual(['open, 0 dropped']);
  });

  it('is that of its event while that is told', () => {
    const events = new EventTarget();
    const tabStatus = createTabStatus('a', events, (next) => next);
    const same: boolean[] = [];
    events.addEventListener('status', (event) =>
      same.push((event as CustomEvent).detail === tabStatus.status),
    );
    tabStatus.setHub(hubStatus(0));
    tabStatus.set({ ...tabStatus.status, state: 'closed' });
    expect(same).toEqual([true, true]);
  });

  it('counts the signals that got no further than the tab on top of those of each hub', () => {
    const { tabStatus, told } = tab();
    tabStatus.signalUnsent('t', failure('not-open', 'no'));
    tabStatus.setHub(hubStatus(3));
    tabStatus.signalUnsent('t', failure('not-open', 'no'));
    tabStatus.setHub(hubStatus(0, 'next'));
    expect(told).toEqual([
      'connecting, 1 dropped',
      't: ConnectionError not-open',
      'open, 4 dropped',
      'open, 5 dropped',
      't: ConnectionError not-open',
      'open, 2 dropped',
    ]);
  });

  it('does not count again what the hub has dropped and counted', () => {
    const { tabStatus, told } = tab();
    const error = { code: 'forbidden', message: 'no', retryable: false } as const;
    expect(tabStatus.take({ kind: 'signal-dropped', topic: 't', error })).toBe(true);
    expect(told).toEqual(['t: ConnectionError forbidden']);
    expect(tabStatus.status.signalsDropped).toBe(0);
  });

  it('leaves to others what is not its own', () => {
    const { tabStatus, told } = tab();
    const signal = { kind: 'signal', sub: 1, identity: 'ada', json: '1' } as const;
    expect([tabStatus.take(signal), told]).toEqual([false, []]);
  });
});
