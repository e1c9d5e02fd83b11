import { DurationMeter } from './core/hub-meter.ts';
import type { TransferCounts } from './core/metrics-types.ts';

/** Counts what goes over the socket and into the store. */
export class TransferMeter {
  readonly commits = new DurationMeter();
  #framesReceived = 0;
  #framesSent = 0;
  #bytesReceived = 0;
  #bytesSent = 0;

  frameReceived(frame: string | Uint8Array): void {
    this.#framesReceived += 1;
    this.#bytesReceived += frame.length;
  }

  frameSent(frame: string | Uint8Array): void {
    this.#framesSent += 1;
    this.#bytesSent += frame.length;
  }

  counts(): TransferCounts {
    return {
      framesReceived: this.#framesReceived,
      framesSent: this.#framesSent,
      bytesReceived: this.#bytesReceived,
      bytesSent: this.#bytesSent,
      commits: this.commits.summary(),
    };
  }
}
