import type { IncomingMessage } from 'node:http';
import { isRecord } from '../../src/protocol/field.ts';
import type { Clock } from '../clock.ts';
import { AdminError, badRequest } from './admin-error.ts';

/** How large a body may be, and how long it may take. */
export interface BodyBounds {
  readonly clock: Clock;
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/**
 * Reads a JSON object. A form of another site cannot send this content type without asking first, and nobody answers
 * that question.
 */
export async function readBody(
  request: IncomingMessage,
  { clock, maxBytes, timeoutMs }: BodyBounds,
): Promise<Record<string, unknown>> {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';', 1);
  if (type.trim().toLowerCase() !== 'application/json')
    throw new AdminError(415, 'unsupported-type', 'the body has to be application/json');
  const timer = clock.setTimer(() => request.destroy(), timeoutMs);
  request.once('close', () => clock.clearTimer(timer));
  try {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes)
        throw new AdminError(413, 'too-large', `the body has more than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
    return parsed(Buffer.concat(chunks).toString());
  } catch (reason) {
    // The rest is read and forgotten, until the time is over: who still sends would not see the answer otherwise.
    request.resume();
    throw reason instanceof AdminError ? reason : badRequest('the body did not come to its end');
  }
}

function parsed(text: string): Record<string, unknown> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw badRequest('the body is not JSON');
  }
  if (!isRecord(body)) throw badRequest('the body is not an object');
  return body;
}
