import * as protocolLimits from '../src/protocol/limits.ts';
import { timerMsMax } from './clock.ts';

const kib = 1024;
const mib = 1024 * kib;

/** Every bound of the server. Each can be set in `createServer({ limits })`; these are the defaults. */
export interface ServerLimits {
  /** Connections at one time; an upgrade above it is answered 503. Default 10,000. */
  readonly connections: number;
  /** Connections of one IP address, or of one IPv6 /64; an upgrade above it is answered 429. Default 1,000. */
  readonly connectionsPerAddress: number;
  /** Connections of one identity; one more is closed 4429. Nobody is counted as `anonymous`. Default 100. */
  readonly connectionsPerIdentity: number;
  /** Upgrades per minute that one address may try in the long run; above it they are answered 429. Default 3,000. */
  readonly upgradesPerMinute: number;
  /** Upgrades that one address may try at once, after a rest. Default 1,000. */
  readonly upgradeBurst: number;
  /** Addresses that are remembered for their upgrades, and as many keys for their strikes. Default 100,000. */
  readonly addresses: number;
  /** Envelopes per second of one connection in the long run; above it, reading pauses. Default 20,000. */
  readonly messagesPerSecond: number;
  /** Envelopes of one connection at once, after a rest: more than a full outbox by default. Default 40,000. */
  readonly messageBurst: number;
  /**
   * Bytes per second of one connection in the long run, counted as inflated; above it, reading pauses. With less
   * than a tenth of `maxFrameBytes`, a hub's heartbeat can give up behind one frame. Default 16 MiB.
   */
  readonly bytesPerSecond: number;
  /** Bytes of one connection at once, after a rest. Default 64 MiB. */
  readonly byteBurst: number;
  /**
   * Control envelopes per second of one connection in the long run: all but `publish`, `received` and those of
   * transfers, and the pings and pongs of WebSocket itself. Above it, reading pauses. Default 5,000.
   */
  readonly controlsPerSecond: number;
  /** Control envelopes of one connection at once, after a rest. Default 10,000. */
  readonly controlBurst: number;
  /** Milliseconds of too many control envelopes, without a rest, that are a violation. Default 10,000. */
  readonly floodMs: number;
  /** Milliseconds that a peer may take nothing of what waits for it; then it is closed 4411. Default 30,000. */
  readonly stallTimeoutMs: number;
  /** Points of violations at which an address or identity is banned. Default 10. */
  readonly strikes: number;
  /** Milliseconds in which one point is forgiven. Default 60,000. */
  readonly strikeDecayMs: number;
  /** Milliseconds that a ban for violations lasts. Default 10 minutes. */
  readonly banMs: number;
  /** Bans at one time; above it, the one that ends first is lifted. Default 10,000. */
  readonly bans: number;
  /** Milliseconds from the upgrade to the welcome; then the connection is closed 4408. Default 5,000. */
  readonly handshakeTimeoutMs: number;
  /**
   * Milliseconds before its token expires that a client is told so; for a token that lives for less than twice as long,
   * half of what is left. Default 30,000.
   */
  readonly expiringMs: number;
  /** Milliseconds that a pinged peer has to show any sign of life; then it is closed 4411. Default 10,000. */
  readonly heartbeatTimeoutMs: number;
  /** Milliseconds that a peer has to answer a close frame; then the socket is destroyed. Default 2,000. */
  readonly closeTimeoutMs: number;
  /** Milliseconds that one call of `authenticate`, `authorize`, `onPublish` or the backbone may take. Default 10,000. */
  readonly hookTimeoutMs: number;
  /** Bytes of one WebSocket message from a client; a larger one is closed 1009. Default 1 MiB. */
  readonly maxFrameBytes: number;
  /** Bytes of one payload as it is kept; a larger one is refused `too-large`. Default 1 MiB. */
  readonly messageBytes: number;
  /** Bytes of one payload that travels in chunks; a larger one is refused `too-large`. Default 64 MiB. */
  readonly transferBytes: number;
  /** Large payloads that one client has under way to the server; one more is refused for now. Default 4. */
  readonly transfers: number;
  /**
   * Bytes of all large payloads under way to the server, until they are published. Above it, those of clients that
   * are away make room; then what comes is refused for now. Default 256 MiB.
   */
  readonly totalTransferBytes: number;
  /** Milliseconds that the beginning of a large payload is kept while its client is away. Default 1 hour. */
  readonly transferMemoryMs: number;
  /** Publishes in process of one connection before reading pauses, and messages to it that it has not received. Default 1,024. */
  readonly window: number;
  /** Bytes of one text frame that the server joins of several envelopes. Default 256 KiB. */
  readonly batchBytes: number;
  /** Bytes waiting in the socket above which nothing more is sent or read. Default 1 MiB. */
  readonly bufferedBytes: number;
  /** Subscriptions of one connection. Default 1,024. */
  readonly maxSubscriptions: number;
  /** Reads of the backbone that one connection has under way. Default 16. */
  readonly pendingReads: number;
  /** Requests of one connection that run at one time. Default 256. */
  readonly pendingRequests: number;
  /** Milliseconds that a request may run, also where the client asked for more, or for 0, which is no limit. Default 30,000. */
  readonly requestTimeoutMs: number;
  /** Messages that a topic keeps. Default 1,000. */
  readonly historyMessages: number;
  /**
   * Bytes that a topic keeps. A large message that falls off while it is sent to a slow client is a gap there, so
   * this should be well above `transferBytes`. Default 128 MiB.
   */
  readonly historyBytes: number;
  /**
   * Bytes that all topics of a backbone keep together, counted as sent. Above it, whole topics without
   * subscribers are forgotten, the one unused for longest first; where that is not enough, the largest
   * histories lose their oldest messages. Default 256 MiB.
   */
  readonly totalHistoryBytes: number;
  /** Topics of a backbone; above it, the one unused for longest is forgotten. Default 10,000. */
  readonly topics: number;
  /** Clients remembered after they have disconnected; above it, the longest gone is forgotten. Default 100,000. */
  readonly clients: number;
  /**
   * Milliseconds that a client is remembered after it has disconnected. What it sends again after that is
   * published again, so this should be no less than the longest time that an outbox keeps an entry (`maxAgeMs`,
   * 7 days unless the app says otherwise). Default 7 days.
   */
  readonly clientMemoryMs: number;
  /** Answers of `authorize` with a `ttlMs` that are kept of one connection; above it the oldest is asked again. Default 1,024. */
  readonly cachedAnswers: number;
  /** Presence lists that one connection follows. Default 256. */
  readonly maxPresences: number;
  /** Members named in one presence list; the count goes on above it. Default 256, at most 1,024. */
  readonly presenceMembers: number;
  /** Members of all topics together; above it those who are leaving are gone at once, and then newcomers are not shown. Default 100,000. */
  readonly presences: number;
  /** Changes of presence sent to one connection in one turn; above it a new list takes their place. Default 256. */
  readonly presenceChanges: number;
  /** Signals to one connection in one turn, and from it while `authorize` is asked; above it they are dropped. Default 256. */
  readonly pendingSignals: number;
  /** Milliseconds after which a live subscription or presence list is asked about again, where `authorize` said `true`. Default 5 minutes. */
  readonly grantMs: number;
  /** Milliseconds over which `close()` spreads the return of the connections. Default 5,000. */
  readonly reconnectSpreadMs: number;
}

/** The defaults of {@link ServerLimits}. */
export const defaultLimits: ServerLimits = {
  connections: 10_000,
  connectionsPerAddress: 1_000,
  connectionsPerIdentity: 100,
  upgradesPerMinute: 3_000,
  upgradeBurst: 1_000,
  addresses: 100_000,
  messagesPerSecond: 20_000,
  messageBurst: 40_000,
  bytesPerSecond: 16 * mib,
  byteBurst: 64 * mib,
  controlsPerSecond: 5_000,
  controlBurst: 10_000,
  floodMs: 10_000,
  stallTimeoutMs: 30_000,
  strikes: 10,
  strikeDecayMs: 60_000,
  banMs: 10 * 60 * 1000,
  bans: 10_000,
  handshakeTimeoutMs: 5_000,
  expiringMs: 30_000,
  heartbeatTimeoutMs: 10_000,
  closeTimeoutMs: 2_000,
  hookTimeoutMs: 10_000,
  maxFrameBytes: mib,
  messageBytes: mib,
  transferBytes: 64 * mib,
  transfers: 4,
  totalTransferBytes: 256 * mib,
  transferMemoryMs: 60 * 60 * 1000,
  window: 1024,
  batchBytes: 256 * kib,
  bufferedBytes: mib,
  maxSubscriptions: 1024,
  pendingReads: 16,
  pendingRequests: 256,
  requestTimeoutMs: 30_000,
  historyMessages: 1000,
  historyBytes: 128 * mib,
  totalHistoryBytes: 256 * mib,
  topics: 10_000,
  clients: 100_000,
  clientMemoryMs: 7 * 24 * 60 * 60 * 1000,
  cachedAnswers: 1024,
  maxPresences: 256,
  presenceMembers: 256,
  presences: 100_000,
  presenceChanges: 256,
  pendingSignals: 256,
  grantMs: 5 * 60 * 1000,
  reconnectSpreadMs: 5_000,
};

/** The largest value that each limit may have, where the protocol or the platform sets one. */
export const limitCeilings: Partial<ServerLimits> = {
  handshakeTimeoutMs: timerMsMax,
  heartbeatTimeoutMs: timerMsMax,
  closeTimeoutMs: timerMsMax,
  hookTimeoutMs: timerMsMax,
  requestTimeoutMs: timerMsMax,
  // Above it, `ws` would take any length of a compressed message.
  maxFrameBytes: 2 ** 31 - 1,
  stallTimeoutMs: timerMsMax,
  // All refusals that a client may not have heard of must fit into one welcome.
  window: protocolLimits.rejected,
  presenceMembers: protocolLimits.members,
};

/**
 * Milliseconds that somebody stays there without a subscription, unless `presence.graceMs` says otherwise: above the
 * first delays of a reconnection, and the spread of a restart.
 */
export const presenceGraceMsDefault = 10_000;

/** Issues of an invalid input that its answer names. */
export const schemaIssues = 8;

/** Characters of an issue's path, and of its message, in that answer. */
export const schemaIssueLength = 120;

/** Milliseconds between two asks about the same live subscription, at least, however short the `ttlMs`. */
export const grantMsMin = 1_000;

/** Milliseconds after which a live subscription is asked about again where `authorize` failed. */
export const grantRetryMs = 10_000;

/** Failures of `authorize` in a row that end a live subscription. */
export const grantRetries = 3;

/** Answers of `authorize` to one question that may be outdated by revocations; then it counts as failed. */
export const staleAnswers = 4;

/**
 * The share of `totalHistoryBytes` that is freed at once when the largest histories are cut, so that looking
 * for them is not the price of every publish.
 */
export const historyReliefShare = 1 / 16;

/** What a transfer counts besides its bytes, so that many small ones have a bound too. */
export const transferOverheadBytes = kib;

/** Bytes of a frame with a chunk, at most. */
export const chunkFrameBytes = protocolLimits.chunkBytes + protocolLimits.binaryHeaderBytes + 5;

/** Transfers whose late chunks a connection ignores: those that ended last. */
export const endedTransfers = 64;

/** Large messages that are sent to one connection at one time; those of further topics wait. */
export const downloads = 2;

/** Bytes waiting in the socket above which no chunk is sent, so that other messages need not wait behind many. */
export const chunkBufferedBytes = 2 * protocolLimits.chunkBytes;

/** Milliseconds of silence after which the server pings, unless `heartbeatMs` says otherwise. */
export const heartbeatMsDefault = 30_000;

/** Milliseconds that a drain has left once it is asked to hurry by a second signal. */
export const drainHurryMs = 1_000;

/** Seconds after which a client that found no room is told to come again. */
export const retryAfterS = 5;

/** Milliseconds that `drain()` takes at most, unless `withinMs` says otherwise. */
export const drainWithinMsDefault = 30_000;

/** Milliseconds between two questions whether the server is overloaded. */
export const overloadCheckMs = 1_000;

/** The share of all connections that is sent away each time that the server is found overloaded. */
export const overloadShare = 1 / 32;

/** Bytes below which a message is not compressed, unless `compression.thresholdBytes` says otherwise. */
export const compressionThresholdBytesDefault = kib;

/** Messages that are compressed or inflated at one time, over all connections. */
export const compressionConcurrency = 10;

/** Characters that the secret of the admin interface has at least. */
export const adminSecretLength = 32;

/** Wrong secrets that one address may try at once; above it, even the right one is answered 429. */
export const adminFailures = { perSecond: 0.1, burst: 5 } as const;

/** Addresses whose wrong secrets are remembered. */
export const adminAddresses = 10_000;

/** Bytes of the body of an admin request, above those of a message. */
export const adminBodyBytes = 16 * kib;

/** Milliseconds that the body of an admin request may take. */
export const adminBodyMs = 10_000;

/** Admin requests at one time. */
export const adminPending = 16;

/** Items of one page of the admin interface, and how many where it is not asked for a number. */
export const adminPage = { max: 1000, normal: 100 } as const;

/** Characters of the reason of a ban: a close frame has to hold it. */
export const banReasonLength = 100;

/** Milliseconds between two lines of the audit log that tell of addresses with too many wrong secrets. */
export const auditLimitedMs = 60_000;

/** Milliseconds that `close()` takes at most, unless `withinMs` says otherwise. */
export const closeWithinMsDefault = 5_000;
