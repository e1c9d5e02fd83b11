import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TestClient } from '../test-kit.ts';
import { startProcess } from './server-process.ts';

const kills = 8;
const publishers = 4;
const windowSize = 64;

/** A small generator of random numbers (mulberry32), so that a seed replays a failure. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What a client sees of a server that is killed. */
const isCut = (error: unknown): boolean =>
  /the connection has closed|ECONNRESET|ECONNREFUSED|socket hang up/.test(String(error));

/** A hub in small: it numbers its entries, keeps them until they are acknowledged, and sends them again. */
class Publisher {
  readonly clientId: string;
  /** The highest acknowledgement. */
  acked = 0;
  #sent = 0;

  constructor(clientId: string) {
    this.clientId = clientId;
  }

  /** Publishes until the connection ends. */
  async run(port: number): Promise<void> {
    try {
      const client = await TestClient.connect(port);
      const { payload } = await client.hello({ clientId: this.clientId, acked: this.acked });
      this.#take(payload.lastSeq);
      this.#sent = this.acked;
      this.#fill(client);
      let seen = 0;
      const more = () => client.all('ack').length > seen;
      for (;;) {
        await client.until(more);
        const acks = client.all('ack');
        seen = acks.length;
        this.#take(acks.at(-1)!.seq);
        this.#fill(client);
      }
    } catch (error) {
      if (!isCut(error)) throw error;
    }
  }

  #take(seq: number): void {
    // The server must never know less than it has said.
    if (seq < this.acked) throw new Error(`${this.clientId}: the server fell back to ${seq}`);
    this.acked = seq;
  }

  #fill(client: TestClient): void {
    const entries = [];
    while (this.#sent < this.acked + windowSize) {
      const seq = ++this.#sent;
      entries.push({ type: 'publish', topic: 't', seq, payload: [this.clientId, seq] });
    }
    if (entries.length > 0) client.send(...entries);
  }
}

describe('a server with a file backbone that is killed again and again', () => {
  it('loses nothing that it acknowledged, doubles nothing, and keeps the order', async () => {
    const seed = Date.now() % 1_000_000;
    const random = randomOf(seed);
    const dir = mkdtempSync(join(tmpdir(), 'onesocket-crash-'));
    const all = Array.from({ length: publishers }, (_, index) => new Publisher(`c${index}`));
    let last: ChildProcess | undefined;
    try {
      for (let round = 0; round < kills; round++) {
        const { child, port } = await startProcess(dir);
        last = child;
        const running = all.map((publisher) => publisher.run(port));
        // The moment of the kill is the subject of the test; nothing is awaited in its place.
        setTimeout(() => child.kill('SIGKILL'), 50 + random() * 250);
        const exited = once(child, 'exit');
        await Promise.all([exited, ...running]);
      }
      const { child, port } = await startProcess(dir);
      last = child;
      const reader = await TestClient.connect(port, { hello: { clientId: 'reader', window: 1024 } });
      const { epoch, head } = await reader.subscribe('t', { replay: 1_000_000 });
      const entries: [string, number][] = [];
      let taken = 0;
      while (entries.length < head) {
        await reader.until(() => reader.envelopes.length > taken);
        for (const message of reader.envelopes.slice(taken)) {
          taken++;
          if (message.type !== 'message') continue;
          expect([message.epoch, message.offset]).toEqual([epoch, entries.length + 1]);
          entries.push(message.payload as [string, number]);
        }
        reader.send({ type: 'received', count: entries.length });
      }
      for (const { clientId, acked } of all) {
        const seqs = entries.filter(([id]) => id === clientId).map(([, seq]) => seq);
        const isWhole = seqs.every((seq, index) => seq === index + 1);
        const hasAll = seqs.length >= acked && acked > 0;
        expect({ seed, clientId, isWhole, hasAll }).toEqual({ seed, clientId, isWhole: true, hasAll: true });
      }
      reader.socket.terminate();
    } finally {
      last?.kill('SIGKILL');
      rmSync(dir, { recursive: true, force: true });
    }
  }, 60_000);
});
