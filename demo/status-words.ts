import type { SocketStatus } from 'onesocket';
import type { ControlState } from './contract.ts';
import { latency } from './words.ts';

/** How good a state is, for its colour. */
type Tone = 'good' | 'wait' | 'bad' | 'off';

/** A connection state in words. */
export interface StatusWords {
  readonly tone: Tone;
  /** One or two words. */
  readonly label: string;
  /** A figure that changes often: a countdown, a round trip. */
  readonly detail: string;
  /** What happens now, for somebody who sees the page for the first time. */
  readonly sentence: string;
  /** The error that ended the last attempt, while there is no connection. */
  readonly fault: string;
}

/** What the status means. `nowMs` is Unix time, `roundTripMs` the last one that this tab measured. */
export const statusWords = (
  status: SocketStatus,
  control: ControlState | null,
  nowMs: number,
  roundTripMs: number | null,
): StatusWords => {
  const isFrozen = control?.frozen ?? false;
  const { tone, label, sentence } = isFrozen && status.state === 'open' ? silent : wordsOf(status, isFrozen);
  return {
    tone,
    label,
    sentence,
    detail: status.state === 'open' ? roundTrip(isFrozen ? null : roundTripMs) : countdown(status, nowMs),
    fault: status.state === 'open' ? '' : faultOf(status),
  };
};

type Words = Pick<StatusWords, 'tone' | 'label' | 'sentence'>;

const wordsOf = (status: SocketStatus, isFrozen: boolean): Words => {
  switch (status.state) {
    case 'idle':
      return { tone: 'off', label: 'idle', sentence: 'No connection is needed yet.' };
    case 'connecting':
      return {
        tone: 'wait',
        label: 'connecting',
        sentence: isFrozen ? unanswered : 'The hub opens its one WebSocket.',
      };
    case 'handshaking':
      return { tone: 'wait', label: 'handshake', sentence: 'Hub and server agree on where they left off.' };
    case 'open':
      return {
        tone: 'good',
        label: 'open',
        sentence: 'Every tab sends and receives over this one connection.',
      };
    case 'draining':
      return {
        tone: 'wait',
        label: 'draining',
        sentence: 'The hub finishes what is under way before it lets go.',
      };
    case 'backoff':
      return { tone: 'bad', label: 'disconnected', sentence: lost };
    case 'suspended':
      return {
        tone: 'bad',
        label: 'suspended',
        sentence: 'The hub has stopped trying. “Reconnect now” wakes it.',
      };
    case 'closed':
      return {
        tone: 'off',
        label: 'closed',
        sentence: status.lastError ? 'No hub can run here.' : 'This tab has left.',
      };
    default:
      return status.state satisfies never;
  }
};

const silent: Words = {
  tone: 'wait',
  label: 'open, but silent',
  sentence: 'The server is frozen: its socket is open and nobody answers. The heartbeat will notice.',
};

const unanswered = 'The frozen server’s kernel takes the connection, and nobody answers.';

const lost =
  'The connection is lost. The hub tries again, once for all tabs; what you send now waits in its outbox.';

const roundTrip = (ms: number | null): string => (ms === null ? '' : `${latency(ms)} round trip`);

const countdown = ({ nextRetryAt }: SocketStatus, nowMs: number): string =>
  nextRetryAt === null ? '' : `retry in ${(Math.max(0, nextRetryAt - nowMs) / 1_000).toFixed(1)} s`;

const faultOf = ({ lastError, attempt }: SocketStatus): string => {
  if (lastError === null) return '';
  const times = attempt > 1 ? `, ${attempt} times in a row` : '';
  return `${lastError.code}: ${lastError.message}${times}`;
};
