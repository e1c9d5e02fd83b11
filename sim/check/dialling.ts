import type { TabOp } from '../../worker/core/hub-api.ts';
import type { BackoffPolicy } from '../../worker/core/policy-types.ts';
import type { Realm } from '../kernel/realm.ts';
import type { ServerEndObserver } from '../network/connection.ts';
import type { NetworkObserver } from '../network/network.ts';
import { must } from './violation.ts';

interface Caller {
  /** Attempts failed and connections lost since one was stable. */
  failures: number;
  openSince: number | null;
  endedAt: number | null;
  /** Since then: whether the app or a first page asked for a connection, a page woke it, or the server sent it away. */
  wasAsked: boolean;
  wasWoken: boolean;
  isSentAway: boolean;
  /** Messages that the server sent and the hub has not told as received, on this connection. */
  unreceived: number;
  received: number;
}

/** Whether every hub waits between its attempts as the policy says, and the server keeps to the hub's window. */
export class Dialling implements Omit<NetworkObserver, keyof ServerEndObserver> {
  readonly #now: () => number;
  readonly #policy: Required<BackoffPolicy>;
  readonly #window: number;
  readonly #callers = new Map<Realm, Caller>();
  constructor(now: () => number, policy: Required<BackoffPolicy>, window: number) {
    this.#now = now;
    this.#policy = policy;
    this.#window = window;
  }

  /** Pages tell a hub something, or attach to it. */
  told(client: Realm, what: 'attach' | TabOp['kind']): void {
    const caller = this.#of(client);
    if (what === 'attach' || what === 'reconnect') caller.wasAsked = true;
    if (what === 'signal') caller.wasWoken = true;
  }

  dialled(client: Realm): void {
    const caller = this.#of(client);
    const { endedAt, wasAsked, wasWoken, isSentAway } = caller;
    const { baseMs, maxMs } = this.#policy;
    // A page wakes a hub that has given up, after which it begins anew; from here it cannot be seen whether it had.
    if (wasAsked || wasWoken) caller.failures = 0;
    else if (endedAt !== null) {
      const attempt = isSentAway ? 0 : Math.max(0, caller.failures - 1);
      const leastMs = Math.min(maxMs, baseMs * 2 ** attempt) / 2;
      const waitedMs = this.#now() - endedAt;
      must(waitedMs >= leastMs - 1, 'attempts wait', () => {
        return `${client.name} dials ${waitedMs.toFixed(0)} ms after attempt ${caller.failures}, not ${leastMs.toFixed(0)}`;
      });
    }
    caller.openSince = null;
    caller.unreceived = caller.received = 0;
    caller.wasAsked = caller.wasWoken = caller.isSentAway = false;
  }

  ended(client: Realm): void {
    const caller = this.#of(client);
    const { stableMs } = this.#policy;
    const wasStable = caller.openSince !== null && this.#now() - caller.openSince >= stableMs - 1;
    if (wasStable) caller.failures = 0;
    if (!caller.isSentAway) caller.failures += 1;
    caller.openSince = null;
    caller.endedAt = this.#now();
  }

  received(client: Realm, data: string | Uint8Array): void {
    const text = typeof data === 'string' ? data : '';
    const caller = this.#of(client);
    if (text.includes('"type":"welcome"')) caller.openSince = this.#now();
    if (text.includes('"type":"goaway"')) caller.isSentAway = true;
    caller.unreceived += occurrences(text, '"type":"message"');
    const underWay = caller.unreceived - caller.received;
    must(
      underWay <= this.#window,
      'the window bounds',
      () => `${client.name} got ${underWay} messages ahead`,
    );
  }

  sent(client: Realm, data: string | Uint8Array): void {
    if (typeof data !== 'string') return;
    for (const [, count] of data.matchAll(/"type":"received".*?"count":(\d+)/g)) {
      this.#of(client).received = Number(count);
    }
  }

  #of(client: Realm): Caller {
    let caller = this.#callers.get(client);
    if (!caller) {
      const since = { wasAsked: false, wasWoken: false, isSentAway: false };
      caller = { failures: 0, openSince: null, endedAt: null, ...since, unreceived: 0, received: 0 };
      this.#callers.set(client, caller);
    }
    return caller;
  }
}

function occurrences(text: string, part: string): number {
  let count = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count += 1;
  return count;
}
