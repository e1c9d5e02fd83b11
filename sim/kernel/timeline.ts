import * as simLimits from '../limits.ts';

/** What happened last, for a person who looks for the cause of a violation. */
export class Timeline {
  readonly #now: () => number;
  readonly #lines: (readonly [atMs: number, who: string, what: string, detail: unknown])[] = [];
  readonly #capacity: number;
  #count = 0;

  constructor(now: () => number, capacity: number) {
    this.#now = now;
    this.#capacity = capacity;
  }

  /** Notes an event. `detail` is written out, or called for a text, only if the timeline is ever printed. */
  add(who: string, what: string, detail?: unknown): void {
    this.#lines[this.#count++ % this.#capacity] = [this.#now(), who, what, detail];
  }

  /** The newest lines, oldest first. */
  print(): string {
    const begin = Math.max(0, this.#count - this.#capacity);
    const lines: string[] = [];
    for (let index = begin; index < this.#count; index += 1) {
      const [atMs, who, what, detail] = this.#lines[index % this.#capacity]!;
      const given: unknown = typeof detail === 'function' ? (detail as () => string)() : detail;
      const rest =
        given === undefined ? '' : typeof given === 'string' ? given : JSON.stringify(given, plain);
      lines.push(
        `${atMs.toFixed(1).padStart(9)} ${who.padEnd(10)} ${what} ${rest.slice(0, simLimits.detailLength)}`,
      );
    }
    return lines.join('\n');
  }
}

/** As JSON has it; content that nobody would read is counted. */
function plain(_key: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `${value.byteLength} bytes`;
  return value instanceof Blob ? `Blob of ${value.size} bytes` : value;
}
