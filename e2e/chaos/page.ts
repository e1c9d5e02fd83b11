import type { ConnectionError, ConnectOptions, Message, OneSocket } from 'onesocket';
import { LargeTexts, mimeOf, type LargeForm, type LargeShape, type LargeSize } from './large.ts';
import type { PageEvent, PageReport } from './story.ts';

/** What a page does. */
export interface ChaosPageSpec {
  readonly url: string;
  readonly options: ConnectOptions;
  readonly topics: readonly string[];
  /** Those of the topics that go on where any page was, by a stored cursor. */
  readonly cursorTopics: readonly string[];
  readonly publishEveryMs: number;
  readonly pendingMax: number;
  readonly burst: number;
  /** The large entries to come, over and over. */
  readonly larges: readonly LargeShape[];
}

/** Name of the function through which a page tells the runner something. */
export const tellBinding = 'chaosTell';

/**
 * Publishes numbered entries, subscribes to everything, and tells the runner what it learns. The text of this class
 * goes into the page, so that it must use nothing of this module, no private names and no object spread.
 */
class ChaosPage {
  declare socket: OneSocket;
  declare readonly tell: (report: string) => void;
  declare readonly spec: ChaosPageSpec;
  readonly producer: string = crypto.randomUUID().slice(0, 8);
  lastN = 0;
  pending = 0;
  /** Blobs that have been seen, and are being read. */
  checking = 0;
  largesMade = 0;
  lastLargeN = 0;
  isPublishing = true;
  events: PageEvent[] = [];

  async start(): Promise<void> {
    const entry = '/dist/index.js';
    const { connect } = await import(entry);
    const { url, options, topics } = this.spec;
    this.socket = connect(url, options);
    this.socket.addEventListener('status', () =>
      this.event(['status', this.statusText(), this.socket.status.queue.entries]),
    );
    for (const topic of topics) this.subscribe(topic);
    this.goOn();
  }

  subscribe(topic: string): void {
    const keepsCursor = this.spec.cursorTopics.includes(topic);
    const subscription = this.socket.subscribe(topic, keepsCursor ? { since: 'stored' } : {});
    subscription.onMessage((message) => this.see(message));
    subscription.onGap(({ epoch, offset, reason }) => this.event(['gap', topic, epoch, offset, reason]));
    subscription.ready.then(
      () => this.event(['began', topic, this.socket.status.durability ?? 'none']),
      (error) => this.event(['status', `${topic} refused: ${error.message}`, null]),
    );
  }

  /** Publishes one entry now, some now and then, and comes back. */
  goOn(): void {
    if (!this.isPublishing) return;
    const { pendingMax, burst, publishEveryMs, topics } = this.spec;
    const count = Math.random() < 0.01 ? burst : 1;
    for (let made = 0; made < count && this.pending < pendingMax; made += 1) {
      this.publish(topics[Math.floor(Math.random() * topics.length)]!);
    }
    setTimeout(() => this.goOn(), publishEveryMs * (0.5 + Math.random()));
  }

  publish(topic: string): void {
    const n = (this.lastN += 1);
    const { payload, large } = this.nextLarge(n) ?? this.smallEntry(n);
    this.event(['published', n, topic, large]);
    const { stored, acked } = this.socket.publish(topic, payload);
    this.pending += 1;
    const failed = (promise: 'stored' | 'acked', error: ConnectionError): void =>
      this.event(['failed', n, promise, error.code ?? String(error)]);
    stored.then(
      () => this.event(['stored', n, this.socket.status.durability ?? 'none']),
      (error) => failed('stored', error),
    );
    void acked
      .then(
        () => this.event(['acked', n]),
        (error) => failed('acked', error),
      )
      .then(() => (this.pending -= 1));
  }

  smallEntry(n: number): { payload: unknown; large: null } {
    const entry = `${this.producer}.${n}`;
    const text = JSON.stringify({ entry, pad: 'x'.repeat(n % 40 === 0 ? 20_000 : 60) });
    const payload: unknown = n % 7 === 0 ? new TextEncoder().encode(text).buffer : JSON.parse(text);
    return { payload, large: null };
  }

  /** The large entry of this number, if it is time for one. */
  nextLarge(n: number): { payload: unknown; large: LargeSize } | null {
    const { larges } = this.spec;
    const { after, form, length } = larges[this.largesMade % larges.length]!;
    if (n - this.lastLargeN < after) return null;
    this.lastLargeN = n;
    this.largesMade += 1;
    const entry = `${this.producer}.${n}`;
    const text = chaosLarge.make(entry, form, length);
    const content = new TextEncoder().encode(text);
    const bytes = content.byteLength;
    if (form === 'json') return { payload: text, large: { form, bytes: bytes + 2 } };
    if (form === 'bytes') return { payload: content.buffer, large: { form, bytes } };
    return { payload: new Blob([content], { type: chaosMimeOf(entry) }), large: { form, bytes } };
  }

  /** Publishes a last entry to each topic, and nothing more. */
  finish(): void {
    this.isPublishing = false;
    for (const topic of this.spec.topics) this.publish(topic);
  }

  /** Tells of a message at once, and of a Blob's content when it is read. */
  see({ topic, epoch, offset, payload }: Message): void {
    const check = (form: LargeForm, text: string, name?: string): string => {
      const { entry, problem } = chaosLarge.check(form, text);
      const isOther = name !== undefined && name !== entry;
      this.event(['checked', topic, offset, name ?? entry, isOther ? `it is ${entry}` : problem]);
      return entry;
    };
    let entry: string;
    if (payload instanceof Blob) {
      const name = (entry = payload.type.slice(chaosMimeOf('').length));
      this.checking += 1;
      payload
        .text()
        .then(
          (text) => void check('blob', text, name),
          (error) => this.event(['checked', topic, offset, name, `it cannot be read: ${error}`]),
        )
        .then(() => (this.checking -= 1));
    } else {
      const isBytes = payload instanceof ArrayBuffer;
      const value = isBytes ? new TextDecoder().decode(payload) : payload;
      if (typeof value !== 'string') entry = (value as { entry: string }).entry;
      else if (isBytes && value.startsWith('{')) ({ entry } = JSON.parse(value));
      else entry = check(isBytes ? 'bytes' : 'json', value);
    }
    this.event(['seen', topic, epoch, offset, entry]);
  }

  /** In a microtask, so that the messages of one batch go out together, yet before the page can do anything else. */
  event(event: PageEvent): void {
    this.events.push(event);
    if (this.events.length > 1) return;
    queueMicrotask(() => {
      const report: PageReport = { producer: this.producer, events: this.events };
      this.events = [];
      this.tell(JSON.stringify(report));
    });
  }

  statusText(): string {
    const { state, attempt, queue, durability, tabs, host, hubId, lastError, storeError } =
      this.socket.status;
    const errors = [lastError, storeError].map((error) => (error ? `${error.code}: ${error.message}` : '-'));
    return `${state} attempt ${attempt} queue ${queue.entries} ${durability} tabs ${tabs.length} hub ${hubId} in ${host} ${errors.join(' / ')}`;
  }
}

declare global {
  /** There from the page's first script on. */
  var chaosPage: ChaosPage;
  var chaosLarge: LargeTexts;
  var chaosMimeOf: typeof mimeOf;
}

/** The script that makes a page of a site what it is here. */
export const chaosPageScript = (spec: ChaosPageSpec): string => `
// A page of the browser's own, that tells of a crash for one, may have the URL of the site, but not its rights.
if (location.protocol !== 'about:' && isSecureContext) {
  // What some compilers wrap functions in.
  globalThis.__name ??= (value) => value;
  globalThis.chaosLarge = new (${String(LargeTexts)})();
  globalThis.chaosMimeOf = ${String(mimeOf)};
  globalThis.chaosPage = new (${String(ChaosPage)})();
  chaosPage.spec = ${JSON.stringify(spec)};
  chaosPage.tell = ${tellBinding};
  void chaosPage.start();
}`;
