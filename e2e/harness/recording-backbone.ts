import { createHash } from 'node:crypto';
import {
  MemoryBackbone,
  type Backbone,
  type MemoryBackboneOptions,
  type Publication,
  type PublishResult,
  type WatchResult,
} from 'onesocket/server';
import type { Accepted } from './server-contract.ts';

/** JSON as it is, bytes in full, and of a large payload its form, size and hash. */
function textOf(payload: Publication['payload']): string {
  if (typeof payload === 'string') return payload;
  if (!('parts' in payload)) return `bytes:${Buffer.from(payload).toString('hex')}`;
  const hash = createHash('sha256');
  for (const part of payload.parts) hash.update(part);
  return `${payload.form}:${payload.size}:${hash.digest('hex')}`;
}

/** The server's own memory, with a second copy of everything accepted that no bound cuts off. */
export class RecordingBackbone extends MemoryBackbone implements Backbone {
  readonly #accepted = new Map<string, Accepted[]>();
  readonly #watched = new Map<string, number>();

  constructor(limits: MemoryBackboneOptions['limits']) {
    super(limits === undefined ? {} : { limits });
  }

  /** Topics that somebody is subscribed to now. */
  get watched(): string[] {
    return [...this.#watched.keys()].toSorted();
  }

  accepted(topic: string): readonly Accepted[] {
    return this.#accepted.get(topic) ?? [];
  }

  override publish(publication: Publication): PublishResult {
    const result = super.publish(publication);
    if (result.kind !== 'published') return result;
    const { topic, id, payload } = publication;
    const { epoch, offset } = result;
    const text = textOf(payload);
    const list = this.#accepted.get(topic) ?? [];
    list.push({ topic, epoch, offset, id, payload: text });
    this.#accepted.set(topic, list);
    return result;
  }

  override watch(name: string, advanced: (epoch: string, offset: number) => void): WatchResult {
    const result = super.watch(name, advanced);
    if (result.kind !== 'watching') return result;
    this.#watched.set(name, (this.#watched.get(name) ?? 0) + 1);
    return {
      kind: 'watching',
      stop: () => {
        result.stop();
        const left = (this.#watched.get(name) ?? 1) - 1;
        if (left === 0) this.#watched.delete(name);
        else this.#watched.set(name, left);
      },
    };
  }
}
