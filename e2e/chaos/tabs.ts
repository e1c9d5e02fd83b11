import type { Page } from '@playwright/test';
import type { Host } from '../harness/capabilities.ts';
import type { ChaosBrowser } from './browser.ts';
import * as chaosLimits from './limits.ts';
import type { LargeShape } from './large.ts';
import { chaosPageScript, type ChaosPageSpec } from './page.ts';
import { within } from './within.ts';

/** What the tabs of a run need. */
export interface TabsPlan {
  readonly origin: string;
  readonly spec: Omit<ChaosPageSpec, 'larges'>;
  /** Where the tab at a place looks for the hub, or runs it; undefined for the usual. */
  readonly hostOf: (place: number) => Host | undefined;
  /** The large entries of the n-th page that is opened. */
  readonly larges: (page: number) => readonly LargeShape[];
  /** Called with everything that a page tells. */
  readonly take: (report: string) => void;
  /** Called with what went wrong in a page, that it did not catch. */
  readonly pageError: (text: string) => void;
}

/** What a browser itself tells in a page of whose hub, in it or in its worker, cannot connect. */
const connectionNews =
  /^(WebSocket connection to|Firefox can’t establish a connection to the server at|The connection to) '?wss?:/;

/** The tabs of the browser, each at a place that is filled again when its page has died. */
export class Tabs {
  readonly #plan: TabsPlan;
  readonly #places: (Page | null)[] = Array<null>(chaosLimits.tabs).fill(null);
  #opened = 0;

  constructor(plan: TabsPlan) {
    this.#plan = plan;
  }

  /** The pages that are open, as far as anybody knows. */
  get pages(): Page[] {
    return this.#places.filter((page) => page !== null);
  }

  /** Fills every place. A page that does not answer is closed and replaced. */
  async fill(browser: ChaosBrowser): Promise<void> {
    for (const [place, page] of this.#places.entries()) {
      if (page !== null && !(await answers(page))) await this.close(page);
      this.#places[place] ??= await within(chaosLimits.stepMsMax, 'new page', this.#open(browser, place));
    }
  }

  /** The page at a place that a number from 0 up to 1 picks. */
  pick(pick: number): Page | undefined {
    return this.pages[Math.floor(pick * this.pages.length)];
  }

  /** Closes a page, whether it lives or not. */
  async close(page: Page): Promise<void> {
    this.#forget(page);
    // A page that is gone already cannot be closed.
    await within(chaosLimits.answerMsMax, 'close', page.close()).catch(() => {});
  }

  /** The browser is gone, with all pages. */
  forgetAll(): void {
    this.#places.fill(null);
  }

  async #open(browser: ChaosBrowser, place: number): Promise<Page> {
    const { origin, spec, hostOf, larges, take, pageError } = this.#plan;
    const host = hostOf(place);
    const options = { ...spec.options, ...(host && { host }) };
    const script = chaosPageScript({ ...spec, options, larges: larges(this.#opened++) });
    const page = await browser.openPage(script, take);
    page.once('crash', () => void this.close(page));
    const told = (text: string, more = ''): void => {
      if (!connectionNews.test(text)) pageError(text + more);
    };
    page.on('pageerror', ({ message, stack }) => told(message, `\n${stack}`));
    page.on('console', (message) => {
      if (message.type() === 'error') told(message.text());
    });
    await page.goto(`${origin}/tab-${place}`);
    return page;
  }

  #forget(page: Page): void {
    const place = this.#places.indexOf(page);
    if (place !== -1) this.#places[place] = null;
  }
}

const answers = async (page: Page): Promise<boolean> => {
  try {
    return await within(
      chaosLimits.answerMsMax,
      'page',
      page.evaluate(() => chaosPage.lastN >= 0),
    );
  } catch {
    return false;
  }
};
