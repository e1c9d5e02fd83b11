import { isRecord } from '../src/protocol/field.ts';
import { checkInteger, invalid } from './invalid.ts';
import * as serverLimits from './limits.ts';

/** How messages are compressed. */
export interface CompressionOptions {
  /** Bytes below which a message is sent as it is. Default 1,024. */
  readonly thresholdBytes?: number;
  /** Level of zlib, 1 (fast) to 9 (small). Default 1. */
  readonly level?: number;
}

/** The options in the terms of `ws`. */
export interface Deflate {
  readonly threshold: number;
  readonly serverNoContextTakeover: true;
  readonly clientNoContextTakeover: true;
  readonly concurrencyLimit: number;
  readonly zlibDeflateOptions: { readonly level: number };
}

const names: ReadonlySet<string> = new Set<keyof CompressionOptions>(['thresholdBytes', 'level']);

/**
 * Fills in the defaults. No context is kept between two messages, so that an idle connection costs nothing, and no
 * secret in one message shows in the length of another. `ws` counts the bytes as it inflates them, and ends with 1009
 * as soon as they are more than `maxFrameBytes`: a bomb is never unpacked further than that.
 *
 * @throws ConnectionError `invalid-option`
 */
export function resolveCompression(options: CompressionOptions | undefined): Deflate | undefined {
  if (options === undefined) return undefined;
  const given: unknown = options;
  if (!isRecord(given)) throw invalid('compression must be an object');
  const unknown = Object.keys(given).find((name) => !names.has(name));
  if (unknown) throw invalid(`unknown option compression.${unknown}`);
  const { thresholdBytes = serverLimits.compressionThresholdBytesDefault, level = 1 } = options;
  checkInteger('compression.thresholdBytes', thresholdBytes);
  checkInteger('compression.level', level, 9);
  return {
    threshold: thresholdBytes,
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    concurrencyLimit: serverLimits.compressionConcurrency,
    zlibDeflateOptions: { level },
  };
}
