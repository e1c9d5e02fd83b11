import type {
  ConnectOptions,
  ConnectionError,
  Delivery,
  OneSocket,
  Presence,
  PublishOptions,
  SocketStatus,
  SubscribeOptions,
  Subscription,
} from 'onesocket';

/** Tokens that the page's `auth` function gives, one per call, the last one for ever; or what it throws. */
export type AuthPlan = readonly (string | { readonly throws: string })[];

/**
 * Builds that the site serves, each in a folder of its own: `dist` is what we ship, `next` is the same under another URL,
 * as after a deploy, and `newer` differs by the next version of the contract between tab and hub.
 */
type Build = 'dist' | 'next' | 'newer';

/** What a page connects with. */
export interface PageSpec {
  readonly url: string;
  readonly options?: Omit<ConnectOptions, 'auth'>;
  readonly auth?: AuthPlan;
  /** Whose script the page runs. Default `dist`. */
  readonly build?: Build;
}

/** A message or a gap in the order in which the tab saw them. */
export interface Seen {
  readonly kind: 'message' | 'gap';
  readonly epoch: string;
  readonly offset: number;
  /** A message as a line, like those of `Backend.lines`; the reason of a gap. */
  readonly text: string;
  /** Of a gap. */
  readonly missed: number | null;
}

/** How a promise stands: `pending`, `ok`, or the code of the error. */
export type Outcome = string;

/** A publish and what became of it. */
export interface Published {
  readonly id: string;
  stored: Outcome;
  acked: Outcome;
}

/** A status that the tab was told, and when. */
export interface SeenStatus {
  readonly at: number;
  readonly status: SocketStatus;
}

/**
 * The recorder in a page: connects, and keeps everything that the tab sees. The text of this class goes into the
 * page, so that it must use nothing of this module: no private names and no object spread, either, since the
 * test runner compiles those into calls of helpers outside of the class.
 */
class PageTab {
  declare socket: OneSocket;
  readonly statuses: SeenStatus[] = [];
  readonly dropped: { readonly id: string; readonly topic: string; readonly code: string }[] = [];
  readonly published: Published[] = [];
  readonly subscriptions: Subscription[] = [];
  readonly seen: Record<string, Seen[]> = {};
  /** Signals of all topics in the order in which the tab saw them: topic, identity and payload as JSON. */
  readonly signals: string[] = [];
  readonly ended: { readonly topic: string; readonly code: string; readonly message: string }[] = [];
  readonly signalsDropped: { readonly topic: string; readonly code: string }[] = [];
  readonly lists: Record<string, Presence> = {};
  /** What the presence lists told: topic, `+` and who came, or `-` and who went. */
  readonly presenceTold: string[] = [];
  auth: AuthPlan = [];
  authCalls = 0;
  readonly waiting: Set<() => void> = new Set();

  /** Connects. Throws what `connect` throws. */
  async connect(spec: PageSpec): Promise<void> {
    const entry = `/${spec.build ?? 'dist'}/index.js`;
    const { connect } = await import(entry);
    this.auth = spec.auth ?? [];
    const options: ConnectOptions = Object.assign({}, spec.options);
    if (spec.auth) options.auth = () => this.token();
    this.socket = connect(spec.url, options);
    this.statuses.push({ at: Date.now(), status: this.socket.status });
    this.socket.addEventListener('status', ({ detail }) => {
      this.statuses.push({ at: Date.now(), status: detail });
      this.changed();
    });
    this.socket.addEventListener('dropped', ({ detail: { id, topic, error } }) => {
      this.dropped.push({ id, topic, code: error.code });
      this.changed();
    });
    this.socket.addEventListener('signal-dropped', ({ detail: { topic, error } }) => {
      this.signalsDropped.push({ topic, code: error.code });
      this.changed();
    });
  }

  /** Subscribes and records. Settles as `ready` does. */
  async subscribe(topic: string, options?: SubscribeOptions): Promise<void> {
    const seen = (this.seen[topic] ??= []);
    const subscription = this.socket.subscribe(topic, options);
    this.subscriptions.push(subscription);
    subscription.onGap(({ epoch, offset, reason, missed }) => {
      seen.push({ kind: 'gap', epoch, offset, text: reason, missed });
      this.changed();
    });
    subscription.onMessage(({ epoch, offset, id, payload }) => {
      const text = `${offset} ${id} ${this.textOf(payload)}`;
      seen.push({ kind: 'message', epoch, offset, text, missed: null });
      this.changed();
    });
    subscription.onSignal(({ identity, payload }) => {
      this.signals.push(`${topic} ${identity} ${JSON.stringify(payload)}`);
      this.changed();
    });
    subscription.onEnd(({ code, message }) => {
      this.ended.push({ topic, code, message });
      this.changed();
    });
    await subscription.ready;
  }

  /** Follows who is in a topic, and records what is told of it. Settles as `ready` does. */
  async follow(topic: string): Promise<void> {
    const list = this.socket.presence(topic);
    this.lists[topic] = list;
    const tell = (text: string): void => {
      this.presenceTold.push(`${topic} ${text}`);
      this.changed();
    };
    list.onJoin(({ identity }) => tell(`+${identity}`));
    list.onLeave(({ identity }) => tell(`-${identity}`));
    list.onEnd(({ code, message }) => tell(`!${code}: ${message}`));
    await list.ready;
  }

  /** Publishes and follows what becomes of it. */
  publish(topic: string, payload: unknown, options?: PublishOptions): Published {
    const delivery: Delivery = this.socket.publish(topic, payload, options);
    const entry: Published = { id: delivery.id, stored: 'pending', acked: 'pending' };
    this.published.push(entry);
    void this.outcome(delivery.stored).then((outcome) => {
      entry.stored = outcome;
      this.changed();
    });
    void this.outcome(delivery.acked).then((outcome) => {
      entry.acked = outcome;
      this.changed();
    });
    return entry;
  }

  /** `ok`, or the code of the error that the promise rejects with. */
  outcome(promise: Promise<unknown>): Promise<Outcome> {
    return promise.then(
      () => 'ok',
      (error: ConnectionError) => (error.name === 'ConnectionError' ? error.code : String(error)),
    );
  }

  /** Settles as soon as `holds` is true; it is asked after everything that the tab sees. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!holds()) return;
        this.waiting.delete(check);
        resolve();
      };
      this.waiting.add(check);
      check();
    });
  }

  /** Messages seen of a topic. */
  count(topic: string): number {
    return (this.seen[topic] ?? []).filter(({ kind }) => kind === 'message').length;
  }

  changed(): void {
    for (const check of this.waiting) check();
  }

  textOf(payload: unknown): string {
    if (!(payload instanceof ArrayBuffer)) return JSON.stringify(payload);
    const bytes = Array.from(new Uint8Array(payload), (byte) => byte.toString(16).padStart(2, '0'));
    return `bytes:${bytes.join('')}`;
  }

  token(): string {
    const next = this.auth[Math.min(this.authCalls, this.auth.length - 1)];
    this.authCalls += 1;
    if (typeof next === 'string') return next;
    throw new Error(next?.throws ?? 'no token');
  }
}

declare global {
  /** The recorder of a page, there from its first script on. */
  var pageTab: PageTab;
}

/** The script that puts the recorder into a page. */
export const pageScript = `globalThis.pageTab = new (${String(PageTab)})();`;
