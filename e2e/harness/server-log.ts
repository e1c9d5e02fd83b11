import { inspect } from 'node:util';
import type { Logger } from 'onesocket/server';

/** Lines that are kept. */
const linesMax = 200;

/** The end of what a server has logged, for a test that has failed. Errors are shown at once. */
export class ServerLog {
  readonly lines: string[] = [];
  readonly logger: Logger = {
    debug: (...entry) => this.#keep(entry),
    info: (...entry) => this.#keep(entry),
    warn: (...entry) => this.#keep(entry),
    error: (...entry) => {
      this.#keep(entry);
      process.stderr.write(`${inspect(entry)}\n`);
    },
  };

  #keep(entry: readonly unknown[]): void {
    const at = new Date().toISOString().slice(11, -1);
    this.lines.push(`${at} ${inspect(entry, { breakLength: Infinity })}`);
    if (this.lines.length > linesMax) this.lines.shift();
  }
}
