import type { Page } from '@playwright/test';

/** One run of a real browser on a profile that outlives it. */
export interface ChaosBrowser {
  /** Opens a page in which `script` runs before any other. What the page tells is given to `take`. */
  openPage(script: string, take: (report: string) => void): Promise<Page>;
  /** Ends the process of a page from within, or as if. */
  crash(page: Page): Promise<void>;
  /** Processes of pages of the site, the SharedWorker's among them. */
  renderers(): Promise<number[]>;
  processOf(page: Page): Promise<number>;
  /** The process in which a SharedWorker runs, if there is one, and no dedicated one beside it. */
  workerProcess(): Promise<number | undefined>;
  /** Ends all SharedWorkers, and gives their number. Null where that cannot be done alone. */
  readonly closeWorkers: (() => Promise<number>) | null;
  /** Whether the origin has room on the disk. Null where nothing can fill it. */
  readonly fillDisk: ((origin: string, isFull: boolean) => Promise<void>) | null;
  /** SIGKILL for every process of the browser at once. */
  kill(): Promise<void>;
}
