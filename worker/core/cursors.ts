import type { Position } from './hub-api.ts';
import * as coreLimits from './limits.ts';

/** How far this browser has come in the topics whose position is kept: as far as any tab of it. */
export class Cursors {
  readonly #positions: Map<string, Position>;

  constructor(stored: readonly (readonly [topic: string, position: Position])[]) {
    this.#positions = new Map(stored);
  }

  get(topic: string): Position | undefined {
    return this.#positions.get(topic);
  }

  /**
   * A tab has come to `position`, and the hub to `newest`. False if that is not further than another tab: a slow one
   * may still take what was before the topic began anew.
   */
  move(topic: string, position: Position, newest: Position): boolean {
    const before = this.#positions.get(topic);
    if (before?.epoch === position.epoch) {
      if (position.offset <= before.offset) return false;
    } else if (before && position.epoch !== newest.epoch) {
      return false;
    }
    this.#positions.delete(topic);
    this.#positions.set(topic, position);
    if (this.#positions.size > coreLimits.cursors)
      this.#positions.delete(this.#positions.keys().next().value!);
    return true;
  }

  clear(): void {
    this.#positions.clear();
  }
}
