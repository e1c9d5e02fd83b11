import type { TraceContext } from '../src/protocol/trace-context.ts';
import type { MaybePromise } from './maybe-promise.ts';
import type { Refusal } from './request-error.ts';

/** A payload that travels in chunks. Its parts are never joined, and must not be changed. */
export interface LargePayload {
  /** Names the content on the wire. The server makes it, so that no two are the same. */
  readonly id: string;
  /** Bytes of all parts. */
  readonly size: number;
  /** What the bytes are: JSON text in UTF-8 (nobody has checked it), raw bytes, or those of a Blob. */
  readonly form: 'json' | 'bytes' | 'blob';
  /** The media type of a Blob, where it has one. */
  readonly mime?: string | undefined;
  /** Each has 65,536 bytes, but for the last, which has 1 to 65,536; none where `size` is 0. */
  readonly parts: readonly Uint8Array[];
}

/** A payload on its way into a topic: JSON text, raw bytes, or the parts of a large one. */
export type EncodedPayload = string | Uint8Array | LargePayload;

/** A message of a history, encoded once for all its receivers. */
export interface StoredMessage {
  /** Position in the topic; the first message of an incarnation has 1. */
  readonly offset: number;
  /** The whole `message` envelope: JSON text, or a binary frame. For a large payload, text with its `transfer`. */
  readonly frame: string | Uint8Array;
  /** Bytes of `frame` in UTF-8, and of all parts. */
  readonly bytes: number;
  /** The content, where it goes in chunks behind the frame. */
  readonly large?: LargePayload | undefined;
}

/** What a topic holds at one moment. */
export interface TopicHead {
  /** Id of this incarnation of the history. */
  readonly epoch: string;
  /** Offset of the oldest kept message; of the next one when none is kept. */
  readonly oldest: number;
  /** Offset of the newest message; 0 when there was none. */
  readonly offset: number;
}

/** A part of a history, oldest first. */
export interface HistorySlice extends TopicHead {
  /** From the offset asked for, or from `oldest` where that has gone. */
  readonly messages: readonly StoredMessage[];
}

/** Bounds of one read. At least one message is read where there is one. */
export interface ReadBounds {
  readonly maxMessages: number;
  readonly maxBytes: number;
}

/** Who publishes, and which of its publishes this is. */
export interface ClientSequence {
  readonly key: string;
  /** As `openClient` gave it. */
  readonly lease: number;
  readonly seq: number;
}

/** One publish. Without `client` it comes from the app's back end and is never a duplicate. */
export interface Publication {
  readonly topic: string;
  readonly id: string;
  /** Milliseconds since the Unix epoch. */
  readonly ts: number;
  readonly payload: EncodedPayload;
  /** Where the trace of the publish is; the message carries it on. */
  readonly trace?: TraceContext;
  readonly client?: ClientSequence;
}

/**
 * Why a client's sequence was not taken. Sequences may have holes, for an entry can end before it is ever
 * sent: any above the last handled one is taken.
 *
 * A record that is lost while its lease is live is neither of these. Nothing may be taken, for that lease
 * can no longer be told from a zombie's, whose sequences a newer connection may have sent already. But
 * `fenced` stops the hub for good, and nobody has taken its place. So the backbone rejects: the connection
 * is closed 1011, and the hub comes back with the last acknowledgement it has, which makes a new record.
 */
export type SequenceProblem =
  /** The sequence was handled before. */
  | { readonly kind: 'duplicate'; readonly lastSeq: number }
  /** The lease has ended: the client has been opened again since, or has been closed and then forgotten. */
  | { readonly kind: 'fenced' };

/** What became of a publish. */
export type PublishResult =
  | { readonly kind: 'published'; readonly epoch: string; readonly offset: number }
  /** Refused by the backbone, and recorded as such in the same step. */
  | ({ readonly kind: 'refused' } & Refusal)
  | SequenceProblem;

/** A refused publish, as a client is told of it. */
export interface RecordedRefusal extends Refusal {
  readonly seq: number;
}

/** A client that connects. */
export interface ClientOpening {
  readonly key: string;
  readonly epoch: number;
  /** Highest acknowledgement that the client has; refusals up to it are forgotten. */
  readonly acked: number;
}

/** What is known of a client that connects. */
export type OpenResult =
  | {
      readonly kind: 'open';
      /** Fences every earlier opening of this client; higher at every opening. */
      readonly lease: number;
      /** The last handled sequence, and at least `acked`; 0 for none. */
      readonly lastSeq: number;
      /** Refusals above `acked`, oldest first, at most `protocolLimits.rejected`. */
      readonly refusals: readonly RecordedRefusal[];
    }
  /** A newer epoch of this client has been seen. */
  | { readonly kind: 'stale'; readonly epoch: number };

/** A watched topic. `full`: there is no room for another topic. */
export type WatchResult = { readonly kind: 'watching'; stop(): void } | { readonly kind: 'full' };

/**
 * The seam between a server and where its histories and client records live. Each method may answer at
 * once or with a promise. Calls that change something take effect in the order in which they were made, so that
 * a session may make the next before the first is answered. `read` and `head` show at least what was answered,
 * and never what a crash could still take back. A rejection means that the effect is unknown. After a rejected
 * `publish` or `recordRefusal` those of the same lease that were made later are rejected too, until the client is
 * opened again: sequences may have holes, so a later one would pass for the proof that the failed one was handled.
 */
export interface Backbone {
  /**
   * In one atomic step: checks the client's lease and that its sequence is above the last handled one,
   * appends the message and remembers the sequence. Does nothing but answer when the check fails.
   */
  publish(publication: Publication): MaybePromise<PublishResult>;
  /** Remembers a refused publish as handled; checks lease and sequence as `publish` does. */
  recordRefusal(
    client: ClientSequence,
    refusal: Refusal,
  ): MaybePromise<{ readonly kind: 'recorded' } | SequenceProblem>;
  /**
   * Reads the messages after the offset `after`. A large message is read again for each of its chunks and each of its
   * receivers, so that none of them keeps in memory what the history has forgotten.
   */
  read(topic: string, after: number, bounds: ReadBounds): MaybePromise<HistorySlice>;
  /** What the topic holds now. Asked only while the topic is watched. */
  head(topic: string): MaybePromise<TopicHead>;
  /**
   * Calls `advanced` after every message of the topic, from whichever server, until `stop()`. A watched
   * topic is not forgotten.
   */
  watch(topic: string, advanced: (epoch: string, offset: number) => void): MaybePromise<WatchResult>;
  /** Opens a client's record, making it where there is none, and fences its earlier openings. */
  openClient(opening: ClientOpening): MaybePromise<OpenResult>;
  /** The client has disconnected: its record may be forgotten after a while. An old lease is ignored. */
  closeClient(key: string, lease: number): MaybePromise<void>;
  /** Ends the backbone. */
  close(): MaybePromise<void>;
}
