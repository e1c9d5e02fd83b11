import { WebSocket } from 'ws';
import { subprotocol } from '../../src/protocol/version.ts';

/** The answer to an upgrade. */
export interface KnockAnswer {
  /** 101 when it was upgraded, and is closed again by now. */
  readonly status: number;
  /** Seconds. */
  readonly retryAfter: number | undefined;
}

/** Asks for an upgrade, as a client of the address `from` behind a proxy. For tests. */
export const knock = (port: number, from?: string, more: Record<string, string> = {}): Promise<KnockAnswer> =>
  new Promise((resolve, reject) => {
    const headers = from === undefined ? more : { 'x-forwarded-for': from, ...more };
    const socket = new WebSocket(`ws://127.0.0.1:${port}/realtime`, subprotocol, { headers });
    socket.on('unexpected-response', (_request, response) => {
      response.resume();
      const { 'retry-after': retryAfter } = response.headers;
      resolve({
        status: response.statusCode!,
        retryAfter: retryAfter === undefined ? undefined : Number(retryAfter),
      });
    });
    socket.on('open', () => socket.close());
    socket.on('close', () => resolve({ status: 101, retryAfter: undefined }));
    socket.on('error', reject);
  });
