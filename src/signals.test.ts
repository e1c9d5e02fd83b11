import { describe, expect, it } from 'vitest';
import type { TabOp } from '../worker/core/hub-api.ts';
import { failure } from './failure.ts';
import type { ConnectionError } from './protocol/errors.ts';
import * as protocolLimits from './protocol/limits.ts';
import { createSignals } from './signals.ts';
import { initialStatus } from './status.ts';
import type { SocketStatus } from './types.ts';

function tab(state: SocketStatus['state'] = 'open', ended: ConnectionError | null = null) {
  const pushed: TabOp[] = [];
  const unsent: string[] = [];
  const signal = createSignals(
    { push: (op) => void pushed.push(op), ended: () => ended },
    {
      status: { ...initialStatus('a'), state },
      signalUnsent: (topic, { code }) => unsent.push(`${topic}: ${code}`),
    },
  );
  return { signal, pushed, unsent };
}

describe('a signal', () => {
  it('goes to the hub as JSON', () => {
    const { signal, pushed, unsent } = tab();
    signal('t', { typing: true });
    signal('t', null);
    expect(pushed).toEqual([
      { kind: 'send-signal', topic: 't', json: '{"typing":true}' },
      { kind: 'send-signal', topic: 't', json: 'null' },
    ]);
    expect(unsent).toEqual([]);
  });

  it.each(['idle', 'connecting', 'handshaking', 'draining', 'backoff', 'suspended'] as const)(
    'waits for nothing: in the state %s it is dropped',
    (state) => {
      const { signal, pushed, unsent } = tab(state);
      signal('t', 1);
      expect([pushed, unsent]).toEqual([[], ['t: not-open']]);
    },
  );

  it('of a tab that has ended is dropped for that reason', () => {
    const { signal, pushed, unsent } = tab('open', failure('closed', 'closed'));
    signal('t', 1);
    expect([pushed, unsent]).toEqual([[], ['t: closed']]);
  });

  it.each<[string, string, unknown, string]>([
    ['no topic', '', 1, 'invalid-option'],
    ['a topic that is too long', 't'.repeat(protocolLimits.topicLength + 1), 1, 'invalid-option'],
    ['bytes', 't', new Uint8Array(1), 'invalid-payload'],
    ['what is no JSON value', 't', () => {}, 'invalid-payload'],
    ['too much, in bytes', 't', 'ü'.repeat(protocolLimits.signalBytes / 2), 'too-large'],
  ])('throws with %s, and nothing is sent', (_, topic, payload, code) => {
    for (const state of ['open', 'backoff'] as const) {
      const { signal, pushed, unsent } = tab(state);
      expect(() => signal(topic, payload)).toThrow(expect.objectContaining({ code }));
      expect([pushed, unsent]).toEqual([[], []]);
    }
  });

  it('may have as many bytes as the bound', () => {
    const { signal, pushed } = tab();
    // With its quotes.
    signal('t', 'u'.repeat(protocolLimits.signalBytes - 2));
    expect(pushed).toHaveLength(1);
  });
});
