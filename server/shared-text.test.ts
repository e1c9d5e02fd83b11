import { expect, it } from 'vitest';
import { SharedText } from './shared-text.ts';
import { startServer } from './test-kit.ts';

// RFC 6455, section 5.2: the length is in 7 bits up to 125 bytes, then in 16, from 65,536 on in 64.
it.each([0, 1, 125, 126, 65_535, 65_536, 70_000])('frames %i bytes of text', (size) => {
  const { frame, bytes } = new SharedText('x'.repeat(size));
  const headBytes = size < 126 ? 2 : size < 65_536 ? 4 : 10;
  expect([frame[0], frame.byteLength, bytes.byteLength]).toEqual([0x81, headBytes + size, size]);
  const length =
    headBytes === 2 ? frame[1] : headBytes === 4 ? frame.readUInt16BE(2) : Number(frame.readBigUInt64BE(2));
  expect(length).toBe(size);
  expect(bytes.toString()).toBe('x'.repeat(size));
});

it('counts bytes, not characters', () => {
  const { frame, bytes } = new SharedText('é'.repeat(100));
  expect([frame[1], frame.readUInt16BE(2)]).toEqual([126, 200]);
  expect(bytes.toString()).toBe('é'.repeat(100));
});

it.each([
  { way: 'as it is', options: {} },
  { way: 'compressed', options: { compression: { thresholdBytes: 1 } } },
])('reaches every subscriber $way, whatever its length', async ({ options }) => {
  await using running = await startServer(options);
  const clients = await Promise.all(['a', 'b'].map((clientId) => running.client({ hello: { clientId } })));
  for (const client of clients) await client.subscribe('t');
  const texts = [1, 60, 100, 30_000, 40_000].map((length) => 'é'.repeat(length));
  for (const text of texts) await running.server.publish('t', text);
  for (const client of clients) {
    const messages = await client.some('message', texts.length);
    expect(messages.map(({ payload }) => payload)).toEqual(texts);
  }
});
