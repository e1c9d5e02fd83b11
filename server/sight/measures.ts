import * as closeCodes from '../../src/protocol/close-codes.ts';
import { closeClass, codeLabel, type CloseClass } from './close-class.ts';
import { Distribution, type DistributionData } from './distribution.ts';
import * as sightLimits from './limits.ts';

/** Which side began the end of a connection; a connection that was just lost is ended by its client. */
export type ClosedBy = 'client' | 'server';

/** Connections that have ended in one way. */
export interface Disconnects {
  /** A close code of docs/PROTOCOL.md, or `other`. */
  readonly code: string;
  readonly reason: CloseClass;
  readonly by: ClosedBy;
  readonly count: number;
}

/** How far a connection has come: accepted, then welcomed, then subscribed, then given a message. */
export type ConnectionStage = 'welcome' | 'subscribed' | 'first_message';

/** Why a token did not open or keep open a connection. */
export type AuthFailure =
  /** Missing, or not accepted. */
  | 'refused'
  /** Of another identity than the outbox. */
  | 'forbidden'
  | 'expired'
  /** It could not be checked. */
  | 'unavailable';

/** What became of the position that a subscription was to go on from. */
export type ResumeOutcome = 'resumed' | 'gap';

type Counts<K extends string> = Readonly<Partial<Record<K, number>>>;

/** What a server measures besides its counters ({@link ServerStats}): by kind, and as distributions. Times in seconds. */
export interface ServerMeasures {
  /** Bytes of all TCP connections, with the framing of WebSocket and HTTP. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Bytes that wait in the sockets of all connections at this moment. */
  readonly bufferedBytes: number;
  /** Publishes that have no answer yet at this moment. */
  readonly publishesInProcess: number;
  /** Acknowledgements sent; one covers all publishes of a turn. */
  readonly acks: number;
  /** Subscriptions that named a position, by what became of it. */
  readonly resumes: Counts<ResumeOutcome>;
  readonly gaps: Counts<'history' | 'epoch'>;
  readonly disconnects: readonly Disconnects[];
  readonly authFailures: Counts<AuthFailure>;
  /** Trace contexts of clients that were none, and were ignored. */
  readonly invalidTraces: number;
  /** Subscriptions on this server that one message goes to, of topics that have any. */
  readonly fanOut: DistributionData;
  /** From a WebSocket ping of the server to its pong. Only silent connections are pinged. */
  readonly roundTrip: DistributionData;
  /** From the accepted connection to each stage. */
  readonly stages: Readonly<Record<ConnectionStage, DistributionData>>;
}

/** A connection as long as it is open: what is cheaper to ask at a scrape than to count on the way. */
export interface Measured {
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly bufferedBytes: number;
  readonly publishesInProcess: number;
}

/** Counts up one of a fixed set of names. */
function countUp<K extends string>(counts: Partial<Record<K, number>>, name: K): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

/** The measures of one server. Counting is an addition to a plain field; everything else is done when they are read. */
export class Measures {
  acks = 0;
  invalidTraces = 0;
  readonly fanOut = new Distribution(sightLimits.fanOutBounds);
  readonly roundTrip = new Distribution(sightLimits.secondsBounds);
  readonly #stages: Readonly<Record<ConnectionStage, Distribution>> = {
    welcome: new Distribution(sightLimits.secondsBounds),
    subscribed: new Distribution(sightLimits.secondsBounds),
    first_message: new Distribution(sightLimits.secondsBounds),
  };
  readonly #resumes: Partial<Record<ResumeOutcome, number>> = {};
  readonly #gaps: Partial<Record<'history' | 'epoch', number>> = {};
  readonly #authFailures: Partial<Record<AuthFailure, number>> = {};
  readonly #disconnects = new Map<string, { -readonly [K in keyof Disconnects]: Disconnects[K] }>();
  /** Bytes of the connections that have ended. */
  #receivedBytes = 0;
  #sentBytes = 0;

  /** A subscription went on from a position, or could not. */
  resumed(outcome: ResumeOutcome): void {
    countUp(this.#resumes, outcome);
  }

  /** A subscription was told that messages are missing. */
  gap(reason: 'history' | 'epoch'): void {
    countUp(this.#gaps, reason);
  }

  /** A token was no good. */
  authFailed(failure: AuthFailure): void {
    countUp(this.#authFailures, failure);
  }

  /** A connection has reached a stage, so many milliseconds after it was accepted. */
  reached(stage: ConnectionStage, afterMs: number): void {
    this.#stages[stage].observe(afterMs / 1000);
  }

  /** The server closes a connection: what that says of tokens. */
  closing(code: number): void {
    if (code === closeCodes.unauthenticated) this.authFailed('refused');
    else if (code === closeCodes.forbidden) this.authFailed('forbidden');
    else if (code === closeCodes.tokenExpired) this.authFailed('expired');
  }

  /** A connection has ended. */
  disconnected(code: number, by: ClosedBy): void {
    const label = codeLabel(code);
    const key = `${label} ${by}`;
    const known = this.#disconnects.get(key);
    if (known) known.count++;
    else this.#disconnects.set(key, { code: label, reason: closeClass(code), by, count: 1 });
  }

  /** Keeps the bytes of a connection that is measured no more. */
  ended({ receivedBytes, sentBytes }: Pick<Measured, 'receivedBytes' | 'sentBytes'>): void {
    this.#receivedBytes += receivedBytes;
    this.#sentBytes += sentBytes;
  }

  /** All measures at this moment, with what the open connections say. */
  data(open: Iterable<Measured>): ServerMeasures {
    let [receivedBytes, sentBytes] = [this.#receivedBytes, this.#sentBytes];
    let [bufferedBytes, publishesInProcess] = [0, 0];
    for (const connection of open) {
      receivedBytes += connection.receivedBytes;
      sentBytes += connection.sentBytes;
      bufferedBytes += connection.bufferedBytes;
      publishesInProcess += connection.publishesInProcess;
    }
    const { welcome, subscribed, first_message } = this.#stages;
    return {
      receivedBytes,
      sentBytes,
      bufferedBytes,
      publishesInProcess,
      acks: this.acks,
      resumes: { ...this.#resumes },
      gaps: { ...this.#gaps },
      disconnects: Array.from(this.#disconnects.values(), (disconnects) => ({ ...disconnects })),
      authFailures: { ...this.#authFailures },
      invalidTraces: this.invalidTraces,
      fanOut: this.fanOut.data(),
      roundTrip: this.roundTrip.data(),
      stages: {
        welcome: welcome.data(),
        subscribed: subscribed.data(),
        first_message: first_message.data(),
      },
    };
  }
}
