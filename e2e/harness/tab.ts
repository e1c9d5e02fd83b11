import type { BrowserContext, Page } from '@playwright/test';
import type { ConnectionState, SocketStatus } from 'onesocket';
import { pageScript, type PageSpec, type Published, type Seen } from './page-tab.ts';

/** A page that runs functions given to it: what a tab's record needs of one. */
export type Evaluates = Pick<Page, 'evaluate'>;

/** One tab of the browser, connected, and the record that it keeps. Every wait is for an event in the page. */
export class Tab<P extends Evaluates = Page> {
  readonly page: P;
  readonly #spec: PageSpec;

  constructor(page: P, spec: PageSpec) {
    this.page = page;
    this.#spec = spec;
  }

  /** Connects: for a page that was loaded anew. */
  async connect(): Promise<void> {
    await this.page.evaluate((spec) => pageTab.connect(spec), this.#spec);
  }

  status(): Promise<SocketStatus> {
    return this.page.evaluate(() => pageTab.socket.status);
  }

  /** Settles with the first status from now on that has the state; at once if it has it now. */
  reaches(state: ConnectionState): Promise<SocketStatus> {
    return this.page.evaluate(async (wanted) => {
      await pageTab.until(() => pageTab.socket.status.state === wanted);
      return pageTab.socket.status;
    }, state);
  }

  /** Settles with the first status that has another state. */
  leaves(state: ConnectionState): Promise<SocketStatus> {
    return this.page.evaluate(async (left) => {
      await pageTab.until(() => pageTab.socket.status.state !== left);
      return pageTab.socket.status;
    }, state);
  }

  /** Settles with the first status that knows so many tabs. */
  knowsTabs(count: number): Promise<SocketStatus> {
    return this.page.evaluate(async (wanted) => {
      await pageTab.until(() => pageTab.socket.status.tabs.length === wanted);
      return pageTab.socket.status;
    }, count);
  }

  /** Subscribes to each of these topics, and records what comes. */
  async subscribe(
    topics: string | readonly string[],
    options: { readonly replay?: number } = {},
  ): Promise<void> {
    await this.page.evaluate(
      async ([names, wish]) => {
        await Promise.all(names.map((name) => pageTab.subscribe(name, wish)));
      },
      [[topics].flat(), options] as const,
    );
  }

  /** Settles once so many messages of a topic were seen. */
  async receives(topic: string, count: number): Promise<void> {
    await this.page.evaluate(([name, wanted]) => pageTab.until(() => pageTab.count(name) >= wanted), [
      topic,
      count,
    ] as const);
  }

  /** Settles once a message with this payload was seen. */
  async receivesPayload(topic: string, payload: unknown): Promise<void> {
    await this.page.evaluate(
      ([name, ending]) =>
        pageTab.until(() => (pageTab.seen[name] ?? []).some(({ text }) => text.endsWith(ending))),
      [topic, ` ${JSON.stringify(payload)}`] as const,
    );
  }

  /** Everything seen of a topic, in order. */
  seen(topic: string): Promise<Seen[]> {
    return this.page.evaluate((name) => pageTab.seen[name] ?? [], topic);
  }

  /** The messages seen of a topic, in order. */
  async lines(topic: string): Promise<string[]> {
    // One text: to hand over thousands of values takes the test runner seconds.
    const text = await this.page.evaluate(
      (name) =>
        (pageTab.seen[name] ?? []).flatMap(({ kind, text }) => (kind === 'message' ? [text] : [])).join('\n'),
      topic,
    );
    return text === '' ? [] : text.split('\n');
  }

  /** The gaps seen of a topic. */
  gaps(topic: string): Promise<Seen[]> {
    return this.page.evaluate(
      (name) => (pageTab.seen[name] ?? []).filter(({ kind }) => kind === 'gap'),
      topic,
    );
  }

  /** Publishes JSON values without waiting for anything. */
  async publish(topic: string, ...payloads: readonly unknown[]): Promise<void> {
    await this.page.evaluate(
      ([name, values]) => values.forEach((value) => void pageTab.publish(name, value)),
      [topic, payloads] as const,
    );
  }

  /** Settles, with what became of them, once everything published so far has its fate. */
  fates(): Promise<Published[]> {
    return this.page.evaluate(async () => {
      await pageTab.until(() => pageTab.published.every(({ acked }) => acked !== 'pending'));
      return pageTab.published;
    });
  }
}

/** Opens a page with the recorder in it. It is not connected yet. */
export const openPage = async (context: BrowserContext, url: string): Promise<Page> => {
  const page = await context.newPage();
  await page.addInitScript(pageScript);
  await page.goto(url);
  return page;
};
