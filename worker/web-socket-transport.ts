import * as closeCodes from '../src/protocol/close-codes.ts';
import * as protocolLimits from '../src/protocol/limits.ts';
import { subprotocol } from '../src/protocol/version.ts';
import * as limits from './limits.ts';
import type { Dial } from './transport.ts';

/**
 * Dials by the platform's WebSocket. Frames go to the socket at once; `congestion` tells when its buffer is
 * above the high-water mark, which only polling can see (WHATWG WebSockets, bufferedAmount).
 */
export const dialWebSocket: Dial = (url, events, protocols = []) => {
  let poll: ReturnType<typeof setInterval> | undefined;
  let socket: WebSocket;
  try {
    socket = new WebSocket(url, [subprotocol, ...protocols]);
    // Chromium, where a content security policy forbids the address: `close` never comes.
    if (socket.readyState > socket.OPEN) throw new Error('forbidden by the content security policy');
  } catch (error) {
    // A SecurityError, as of WebKit where an https page dials ws:; in Firefox, a content security policy.
    const reason = [url, ...protocols].reduce(
      (text, secret) => text.replaceAll(secret, '...'),
      String(error),
    );
    queueMicrotask(() => events.closed(closeCodes.abnormal, reason));
    return { send() {}, close() {} };
  }
  socket.binaryType = 'arraybuffer';
  const listeners = new AbortController();
  const { signal } = listeners;
  const leave = () => {
    clearInterval(poll);
    listeners.abort();
  };
  socket.addEventListener('open', () => events.opened(), { signal });
  socket.addEventListener(
    'message',
    ({ data }: MessageEvent<string | ArrayBuffer>) =>
      events.frame(typeof data === 'string' ? data : new Uint8Array(data)),
    { signal },
  );
  socket.addEventListener(
    'close',
    ({ code, reason }) => {
      leave();
      events.closed(code, reason);
    },
    { signal },
  );

  function watchBuffer(): void {
    if (poll !== undefined || socket.bufferedAmount <= limits.bufferedHighWaterBytes) return;
    events.congestion(true);
    poll = setInterval(() => {
      if (socket.bufferedAmount > limits.bufferedLowWaterBytes) return;
      clearInterval(poll);
      poll = undefined;
      events.congestion(false);
    }, limits.bufferedPollMs);
  }

  return {
    send(frame) {
      socket.send(frame);
      watchBuffer();
    },
    close(code, reason) {
      leave();
      const isSendable = code === closeCodes.normal || code >= 3000;
      socket.close(isSendable ? code : closeCodes.normal, shortened(reason));
    },
  };
};

/** A close reason has at most 123 bytes; ours are ASCII up to the part that quotes the peer. */
const shortened = (reason: string) =>
  reason.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, protocolLimits.closeReasonBytes);
