import { describe, expect, it } from 'vitest';
import { encodeBinary } from '../src/protocol/codec.ts';
import { chunkBytes } from '../src/protocol/limits.ts';
import { FakeTab, publish, turn, World } from './testing/host-world.ts';

/** Settles once it holds: Blobs are read outside of the event loop's turns that a test can count. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((done) => setImmediate(done));
}

async function connected() {
  const world = new World();
  const tab = new FakeTab(world, 'a');
  await tab.attached();
  world.welcome(['batch', 'chunks']);
  const socket = world.sockets.at(-1)!;
  const say = (envelope: object) => socket.events.frame(JSON.stringify({ id: 's', ts: 1, ...envelope }));
  return { world, tab, socket, say };
}

const content = Uint8Array.from({ length: chunkBytes + 3 }, (_, index) => index % 251);

describe('a large entry', () => {
  it('is read from its Blob part by part', async () => {
    const { world, tab, say } = await connected();
    const large = { blob: new Blob([content]), form: 'blob' } as const;
    tab.api.push(world.host.hubId, 'a', [publish(1, { large })]);
    await turn();
    say({ type: 'chunk-ack', transfer: 'p1', received: 0 });
    const chunks = () => world.sent.filter(({ type }) => type === 'chunk');
    await until(() => chunks().length === 2);
    expect(chunks()).toMatchObject([
      { transfer: 'p1', at: 0 },
      { transfer: 'p1', at: chunkBytes },
    ]);
    const bytes = chunks().map((chunk) => Buffer.from((chunk as unknown as { payload: Uint8Array }).payload));
    expect(Buffer.concat(bytes).equals(content)).toBe(true);
  });

  it('fails where its Blob cannot be read', async () => {
    const { world, tab, say } = await connected();
    const blob = new Blob(['x']);
    blob.slice = () => {
      throw new DOMException('the file has changed', 'NotReadableError');
    };
    tab.api.push(world.host.hubId, 'a', [publish(1, { large: { blob, form: 'blob' } })]);
    await turn();
    say({ type: 'chunk-ack', transfer: 'p1', received: 0 });
    await until(() => tab.items.some(({ kind }) => kind === 'failed'));
    expect(tab.items).toContainEqual(
      expect.objectContaining({
        kind: 'failed',
        error: expect.objectContaining({ code: 'invalid-payload' }),
      }),
    );
  });
});

describe('a large message', () => {
  it('becomes one Blob of its chunks, of its media type', async () => {
    const { world, tab, socket, say } = await connected();
    tab.api.push(world.host.hubId, 'a', [{ kind: 'subscribe', sub: 1, topic: 't', replay: 0 }]);
    await turn();
    const re = world.sent.find(({ type }) => type === 'subscribe')!.id;
    say({ type: 'subscribed', re, topic: 't', epoch: 'e', offset: 0, head: 0 });
    const parts = Array.from({ length: 40 }, (_, index) => content.slice(index, index + 100));
    const transfer = { id: 'x', size: 4_000, form: 'blob', mime: 'image/png', at: 0 };
    say({ type: 'message', topic: 't', epoch: 'e', offset: 1, payload: null, transfer });
    for (const [index, part] of parts.entries()) {
      socket.events.frame(
        encodeBinary({ type: 'chunk', id: 's', ts: 1, transfer: 'x', at: index * 100 }, part),
      );
    }
    await turn();
    const [item] = tab.items.filter(({ kind }) => kind === 'large');
    const blob = (item as unknown as { large: { blob: Blob } }).large.blob;
    expect([blob.size, blob.type]).toEqual([4_000, 'image/png']);
    expect(Buffer.from(await blob.arrayBuffer()).equals(Buffer.concat(parts))).toBe(true);
  });
});
