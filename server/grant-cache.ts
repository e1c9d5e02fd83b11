import type { AuthorizeQuestion } from './hooks.ts';

/** What `authorize` may be asked about. */
export type Action = AuthorizeQuestion['action'];

interface CachedAnswer {
  readonly topic: string;
  readonly allow: boolean;
  /** When it expires, in milliseconds since the Unix epoch. */
  readonly until: number;
}

/** Answers of `authorize` to one connection that have not expired: at most `size`, the oldest of which make room. */
export class GrantCache {
  readonly #answers = new Map<string, CachedAnswer>();
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  /** The answer, while it holds. */
  get(action: Action, topic: string, now: number): CachedAnswer | undefined {
    const key = keyOf(action, topic);
    const answer = this.#answers.get(key);
    if (!answer || answer.until > now) return answer;
    this.#answers.delete(key);
    return undefined;
  }

  /** Keeps an answer. */
  set(action: Action, answer: CachedAnswer): void {
    const key = keyOf(action, answer.topic);
    this.#answers.delete(key);
    this.#answers.set(key, answer);
    if (this.#answers.size <= this.#size) return;
    const [oldest] = this.#answers.keys();
    this.#answers.delete(oldest!);
  }

  /** Drops the answers about these topics. */
  drop(isMeant: (topic: string) => boolean): void {
    for (const [key, { topic }] of this.#answers) if (isMeant(topic)) this.#answers.delete(key);
  }
}

const keyOf = (action: Action, topic: string): string => `${action} ${topic}`;
