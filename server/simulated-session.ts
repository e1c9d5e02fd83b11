import { decodeServerFrame, encodeBinary } from '../src/protocol/codec.ts';
import type { ServerEnvelope } from '../src/protocol/schema.ts';
import { createContext, type ServerContext } from './context.ts';
import type { ServerOptions } from './options.ts';
import { Session } from './session.ts';
import type { SharedText } from './shared-text.ts';
import { recordingLogger, withChunks } from './test-kit.ts';
import { VirtualClock } from './virtual-clock.ts';

/** A session whose network is an array, for tests of what happens within one turn, or under a given pressure. */
export interface SimulatedSession {
  readonly session: Session;
  readonly context: ServerContext;
  readonly clock: VirtualClock;
  readonly sent: ServerEnvelope[];
  /** Codes of the closes. */
  readonly closes: number[];
  /** What the session finds in the socket's buffer, whatever it sends. */
  readonly socket: { bufferedAmount: number };
  /** Takes an envelope, as binary where it has bytes. */
  receive(head: object, bytes?: Uint8Array): void;
}

/** Makes an open session. Its answers are sent when the clock advances. */
export function simulatedSession(options: ServerOptions = {}): SimulatedSession {
  const clock = new VirtualClock();
  let ids = 0;
  const surroundings = { clock, randomId: () => `id${++ids}` };
  const context = createContext({ logger: recordingLogger(), ...options }, surroundings);
  const sent: ServerEnvelope[] = [];
  const closes: number[] = [];
  const socket = { bufferedAmount: 0 };
  const take = (frame: string | Uint8Array) => {
    const decoded = decodeServerFrame(frame);
    if ('violation' in decoded) throw new Error(decoded.violation);
    sent.push(...decoded.envelopes);
  };
  const transport = {
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    sendText: (data: string | SharedText) => take(typeof data === 'string' ? data : data.bytes.toString()),
    sendBinary: (data: Uint8Array, more?: Uint8Array) => take(more ? Buffer.concat([data, more]) : data),
    ping: () => undefined,
    pause: () => undefined,
    resume: () => undefined,
    close: (code: number) => void closes.push(code),
    terminate: () => undefined,
  };
  const session = new Session(context, transport, { headers: {}, remoteAddress: undefined, url: '/' });
  const receive = (head: object, bytes?: Uint8Array) => {
    const stamped = { id: `c${++ids}`, ts: 1, ...head };
    session.frame(bytes ? encodeBinary(stamped, bytes) : JSON.stringify(stamped));
  };
  const payload = { versions: [1], clientId: 'c', clientEpoch: 1, acked: 0, window: 1024, auth: 'none' };
  receive({ type: 'hello', payload: { ...payload, ...withChunks } });
  clock.advance(0);
  return { session, context, clock, sent, closes, socket, receive };
}
