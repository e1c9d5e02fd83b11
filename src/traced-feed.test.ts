import { describe, expect, it } from 'vitest';
import type { TabItem } from '../worker/core/hub-api.ts';
import { createSubscription } from './subscription.ts';
import type { Message } from './types.ts';

const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
const place = { sub: 1, epoch: 'e' } as const;

/** The messages that a subscription tells when these items come. */
async function told(...items: Extract<TabItem, { sub: number }>[]): Promise<Message[]> {
  const messages: Message[] = [];
  const op = { kind: 'subscribe', sub: 1, topic: 't', replay: 0 } as const;
  const subscription = createSubscription<unknown>(
    op,
    () => {},
    () => {},
  );
  subscription.onMessage((message) => void messages.push(message));
  for (const item of items) await subscription.take(item);
  return messages;
}

const rows = (...traces: unknown[]) =>
  ({
    kind: 'messages',
    ...place,
    offset: 1,
    skip: 0,
    rows: JSON.stringify(traces.map((trace, index) => [`m${index}`, 5, index, ...(trace ? [trace] : [])])),
  }) as const;
const bytes = { kind: 'bytes', ...place, offset: 1, id: 'b', ts: 5, bytes: new ArrayBuffer(1) } as const;
const large = { kind: 'large', ...place, offset: 1, id: 'l', ts: 5 } as const;
const content = { blob: new Blob(['1']), form: 'json' } as const;

describe('message.trace', () => {
  it('is that of its own row, and is no field where there is none', async () => {
    const messages = await told(rows({ traceparent }, undefined));
    expect(messages[0]!.trace).toEqual({ traceparent });
    expect(messages[1]).not.toHaveProperty('trace');
  });

  it('is there beside bytes and large payloads', async () => {
    const trace = { traceparent, tracestate: 'a=1' };
    expect((await told({ ...bytes, trace }))[0]!.trace).toEqual(trace);
    expect((await told({ ...large, large: content, trace }))[0]!.trace).toEqual(trace);
  });

  it.each([['text'], [7], [{ traceparent: 'nonsense' }], [{ traceparent: `${traceparent}-more` }]])(
    'is none where what came is none: %j',
    async (trace) => {
      const messages = [
        ...(await told(rows(trace))),
        ...(await told({ ...bytes, trace })),
        ...(await told({ ...large, large: content, trace })),
      ];
      expect(messages).toHaveLength(3);
      for (const message of messages) expect(message).not.toHaveProperty('trace');
    },
  );

  it('has no field but its own', async () => {
    const [message] = await told(rows({ traceparent, secret: 1 }));
    expect(message!.trace).toEqual({ traceparent });
  });
});
