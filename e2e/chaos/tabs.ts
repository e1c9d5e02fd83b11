import type { Page } from '@playwright/test';
import type { ChaosBrowser } from './browser.ts';
import * as chaosLimits from './limits.ts';
import type { LargeShape } from './large.ts';
import { chaosPageScript, tellBinding, type ChaosPageSpec } from './page.ts';
import { within } from './within.ts';

/** What the tabs of a run need. */
export interface TabsPlan {
  readonly origin: string;
  readonly spec: Omit<ChaosPageSpec, 'larges'>;
  /** The large entries of the n-th page that is opened. */
  readonly larges: (page: number) => readonly LargeShape[];
  /** Called with everything that a page tells. */
  readonly take: (report: string) => void;
  /** Called with what went wrong in a page, that it did not catch. */
  readonly pageError: (text: string) => void;
}

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

  async #open({ context }: ChaosBrowser, place: number): Promise<Page> {
    const { origin, spec, larges, take, pageError } = this.#plan;
    const page = await context.newPage();
    page.once('crash', () => void this.close(page));
    page.on('pageerror', (error) => pageError(`${error.message}\n${error.stack}`));
    page.on('console', (message) => {
      if (message.type() === 'error') pageError(message.text());
    });
    // A binding of our own, because Playwright's wait for an answer, and a page that dies gets none.
    const devtools = await context.newCDPSession(page);
    devtools.on('Runtime.bindingCalled', ({ name, payload }) => {
      if (name === tellBinding) take(payload);
    });
    await devtools.send('Runtime.enable');
    await devtools.send('Runtime.addBinding', { name: tellBinding });
    await page.addInitScript(chaosPageScript({ ...spec, larges: larges(this.#opened++) }));
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
