import type { ConnectionErrorCode } from './protocol/errors.ts';
import type { TabMetrics } from './metrics-types.ts';
import type { Delivery, SocketStatus } from './types.ts';

const unheard = () => {};

/** Writes a measure for whoever observes them now, and leaves nothing behind: the timeline of a page has no bound. */
function measure(what: string, start: number, id?: string): void {
  const name = `onesocket:${what}`;
  performance.measure(name, { start, end: performance.now(), detail: { id } });
  performance.clearMeasures(name);
}

/** What a tab counts of itself, and measures where the app asks for marks. */
export function createSight(marks: boolean) {
  const begunAt = performance.now();
  /** When the subscriptions began that have had no message yet. */
  const silent = new Map<number, number>();
  const entriesDropped: Partial<Record<ConnectionErrorCode, number>> = {};
  let wasOpen = false;
  let hubId: string | null = null;
  let [entriesPublished, messagesReceived, gapsReceived, requestsSent, requestsFailed, hubsJoined] = [
    0, 0, 0, 0, 0, 0,
  ];

  return {
    /** Sees a status on its way to the app. */
    status(next: SocketStatus): SocketStatus {
      if (next.hubId !== hubId) hubsJoined += 1;
      ({ hubId } = next);
      if (marks && !wasOpen && next.state === 'open') measure('connect-open', begunAt);
      wasOpen ||= next.state === 'open';
      return next;
    },

    published(delivery: Delivery): Delivery {
      entriesPublished += 1;
      if (!marks) return delivery;
      const { id } = delivery;
      const start = performance.now();
      delivery.stored.then(() => measure('publish-stored', start, id), unheard);
      delivery.acked.then(() => measure('publish-acked', start, id), unheard);
      return delivery;
    },

    dropped(code: ConnectionErrorCode): void {
      entriesDropped[code] = (entriesDropped[code] ?? 0) + 1;
    },

    subscribed(sub: number): void {
      if (marks) silent.set(sub, performance.now());
    },

    unsubscribed: (sub: number) => void silent.delete(sub),

    /** Messages go to the handlers of a subscription. */
    heard(sub: number, count: number): void {
      messagesReceived += count;
      const start = count > 0 ? silent.get(sub) : undefined;
      if (start === undefined) return;
      silent.delete(sub);
      measure('subscribe-message', start);
    },

    gap: () => void (gapsReceived += 1),

    /** Counts a request, and passes it on as it is. */
    requested<T>(answer: Promise<T>): Promise<T> {
      requestsSent += 1;
      answer.catch(() => (requestsFailed += 1));
      return answer;
    },

    metrics: (entriesPending: number): TabMetrics => ({
      hubsJoined,
      entriesPublished,
      entriesPending,
      entriesDropped: { ...entriesDropped },
      messagesReceived,
      gapsReceived,
      requestsSent,
      requestsFailed,
    }),
  };
}

export type Sight = ReturnType<typeof createSight>;
