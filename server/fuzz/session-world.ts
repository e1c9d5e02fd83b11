import { setImmediate as nextTurn } from 'node:timers/promises';
import * as closeCodes from '../../src/protocol/close-codes.ts';
import { decodeServerFrame } from '../../src/protocol/codec.ts';
import type { ServerEnvelope } from '../../src/protocol/schema.ts';
import { createContext, type ServerContext } from '../context.ts';
import type { ServerOptions } from '../options.ts';
import { Session } from '../session.ts';
import type { Transport } from '../transport.ts';
import { VirtualClock } from '../virtual-clock.ts';
import type { Frame } from './frame-source.ts';
import { helloFrame } from './frames.ts';
import type { Random } from './random.ts';

/** What a hostile client can be closed with. Everything else is the server's own fault. */
const allowedCloses: ReadonlySet<number> = new Set([
  closeCodes.malformedFrame,
  closeCodes.unexpected,
  closeCodes.unsupportedVersion,
  closeCodes.handshakeTimeout,
  closeCodes.staleClientEpoch,
  closeCodes.connectionReplaced,
  closeCodes.heartbeatTimeout,
  closeCodes.limitExceeded,
  // A hello whose token nobody asked for is fine; one without a token is refused where hooks check it.
  closeCodes.unauthenticated,
  closeCodes.forbidden,
]);

/** Sessions that are attacked at one time. */
const victims = 4;

/** Longer than a heartbeat and a handshake may take. */
const silenceMs = 45_000;
/** Less than any hook may take. */
const stepMs = 1_000;

/** Topic and client of the control client. No frame names them. */
const controlTopic = 'control: untouched';

/** One session whose network is here, with checks of all that it sends. */
class Peer {
  readonly session: Session;
  readonly envelopes: ServerEnvelope[] = [];
  readonly keeps: boolean;
  isOver = false;
  #acked = 0;

  constructor(context: ServerContext, keeps: boolean) {
    const take = (frame: Frame) => this.#take(frame);
    this.keeps = keeps;
    const transport: Transport = {
      bufferedAmount: 0,
      sendText: (data) => take(typeof data === 'string' ? data : data.bytes.toString()),
      sendBinary: (data, more) => take(more ? Buffer.concat([data, more]) : data),
      // The control client answers at once, as a browser does; the victims are as rude as they can be.
      ping: () => void (keeps && this.session.alive()),
      pause: () => undefined,
      resume: () => undefined,
      close: (code, reason) => this.#closed(code, reason),
      terminate: () => void (this.isOver = true),
    };
    this.session = new Session(context, transport, { headers: {}, remoteAddress: undefined, url: '/' });
  }

  #take(frame: Frame): void {
    if (this.isOver) throw new Error('something was sent after the close');
    const decoded = decodeServerFrame(frame);
    if ('violation' in decoded) throw new Error(`the server sent: ${decoded.violation}`);
    for (const envelope of decoded.envelopes) {
      if (this.keeps) this.envelopes.push(envelope);
      if (envelope.type !== 'ack') continue;
      if (envelope.seq < this.#acked) throw new Error(`ack ${envelope.seq} after ${this.#acked}`);
      this.#acked = envelope.seq;
    }
  }

  #closed(code: number, reason: string): void {
    if (this.isOver) throw new Error('closed twice');
    if (!allowedCloses.has(code)) throw new Error(`closed ${code}: ${reason}`);
    this.isOver = true;
  }
}

/** A server without a network, its victims, and a client that must not notice anything of what is done to them. */
export class SessionWorld {
  readonly clock = new VirtualClock();
  readonly context: ServerContext;
  readonly #random: Random;
  readonly #control: Peer;
  readonly #errors: string[] = [];
  #victims: Peer[] = [];
  #epoch = 1;
  #published = 0;
  #ids = 0;

  /** @param isAsync - Whether hooks and handlers take a turn to answer. */
  constructor(random: Random, isAsync: boolean) {
    const ignore = () => undefined;
    const error = (fields: object, message: string) =>
      void this.#errors.push(`${message} ${JSON.stringify(fields)}`);
    const options: ServerOptions = {
      logger: { debug: ignore, info: ignore, warn: ignore, error },
      limits: { topics: 100, clients: 100, historyMessages: 50, totalTransferBytes: 1e6, strikes: 1e9 },
      requests: {
        echo: (input) => input,
        later: async (input) => input,
        fail: () => {
          throw new Error('on purpose');
        },
        never: () => new Promise(() => undefined),
      },
      ...(isAsync && {
        authorize: async ({ topic }) => topic !== 'c',
        onPublish: async () => undefined,
      }),
    };
    this.#random = random;
    this.context = createContext(options, { clock: this.clock, randomId: () => `r${++this.#ids}` });
    this.#control = new Peer(this.context, true);
    this.#control.session.frame(helloFrame('control', 1));
    this.#tell({ type: 'subscribe', topic: controlTopic });
  }

  /** Sends one frame to one of the victims. */
  attack(frame: Frame): void {
    const random = this.#random;
    this.#revive();
    random.pick(this.#victims).session.frame(frame);
    this.clock.advance(random.chance(0.3) ? 1 : 0);
  }

  /** Throws unless the control client gets what it should, and nothing else. */
  async check(): Promise<void> {
    if (this.#control.isOver) throw new Error('the control client was closed');
    const n = ++this.#published;
    this.#control.envelopes.length = 0;
    this.#tell({ type: 'publish', topic: controlTopic, seq: n, payload: n });
    const { envelopes } = this.#control;
    const has = (type: string) => envelopes.some((envelope) => envelope.type === type);
    for (let turns = 0; turns < 20 && !(has('message') && has('ack')); turns++) {
      await nextTurn();
      this.clock.advance(0);
    }
    const seen = envelopes.filter(({ type }) => type !== 'subscribed' && type !== 'welcome').map(summary);
    const expected = [`ack ${n}`, `message ${controlTopic} ${n} ${n}`];
    if (seen.toSorted().join() !== expected.join())
      throw new Error(`control: ${seen.join()} for ${expected.join()}`);
    this.#tell({ type: 'received', count: n });
    if (this.#errors.length > 0) throw new Error(`logged: ${this.#errors.join('; ')}`);
    if (this.context.sessions.size > victims + 1) throw new Error('a session is left over');
    if (this.#random.chance(0.05)) await this.#beSilent();
  }

  /** Ends all sessions, and throws if anything is left of them. */
  async end(): Promise<void> {
    for (const { session } of this.#victims) session.closed();
    this.#victims = [];
    await nextTurn();
    this.clock.advance(0);
    this.#equal('subscriptions beside the control client', this.context.stats.subscriptions, 1);
    this.#equal('topics beside the control client', this.context.stats.topics, 1);
    this.#control.session.closed();
    this.clock.advance(2 * this.context.limits.transferMemoryMs);
    await nextTurn();
    // What is kept for clients that are away is forgotten when the next one comes.
    const last = new Peer(this.context, false);
    last.session.frame(helloFrame('last', 1));
    this.clock.advance(0);
    await nextTurn();
    last.session.closed();
    this.clock.advance(0);
    const { stats, sessions, gatekeeper } = this.context;
    this.#equal('subscriptions', stats.subscriptions, 0);
    this.#equal('topics', stats.topics, 0);
    this.#equal('bytes of transfers', stats.transferBytes, 0);
    this.#equal('sessions', sessions.size, 0);
    this.#equal('timers', this.clock.pending, 0);
    for (const [map, size] of Object.entries(gatekeeper.sizes)) this.#equal(map, size, 0);
  }

  /** The app answers at once what it is asked meanwhile: whoever is timed out has earned it. */
  async #beSilent(): Promise<void> {
    for (let passedMs = 0; passedMs < silenceMs; passedMs += stepMs) {
      this.clock.advance(stepMs);
      await nextTurn();
    }
  }

  /** Puts a new session in the place of each that is over. */
  #revive(): void {
    for (let index = 0; index < victims; index++) {
      const old = this.#victims[index];
      if (old && !old.isOver) continue;
      old?.session.closed();
      const peer = new Peer(this.context, false);
      this.#victims[index] = peer;
      if (this.#random.chance(0.9))
        peer.session.frame(helloFrame(`c${index}`, this.#random.chance(0.1) ? 1 : ++this.#epoch));
    }
  }

  #tell(envelope: object): void {
    this.#control.session.frame(JSON.stringify({ id: `t${++this.#ids}`, ts: 1, ...envelope }));
    this.clock.advance(0);
  }

  #equal(what: string, actual: number, expected: number): void {
    if (actual !== expected) throw new Error(`${what}: ${actual} left, expected ${expected}`);
  }
}

function summary(envelope: ServerEnvelope): string {
  if (envelope.type === 'ack') return `ack ${envelope.seq}`;
  if (envelope.type !== 'message') return envelope.type;
  return `message ${envelope.topic} ${envelope.offset} ${JSON.stringify(envelope.payload)}`;
}
