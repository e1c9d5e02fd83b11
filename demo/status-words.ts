import type { SocketStatus } from 'onesocket';
import type { ControlState } from './contract.ts';
import { latency } from './words.ts';

/** How good a state is, for its colour. */
export type Tone = 'good' | 'wait' | 'bad' | 'off';

/** A connection state in words. */
export interface StatusWords {
  readonly tone: Tone;
  /** One or two words. */
  readonly label: string;
  /** A figure that changes often: a countdown, a round trip. */
  readonly detail: string;
  /** What happens now, for somebody who sees the page for the first time. */
  readonly sentence: string;
}

/** What the status means. `nowMs` is Unix time, `roundTripMs` the last one that this tab measured. */
export const statusWords = (
  status: SocketStatus,
  control: ControlState | null,
  nowMs: number,
  roundTripMs: number | null,
): StatusWords => {
  switch (status.state) {
    case 'idle':
      return words('off', 'idle', 'No connection is needed yet.');
    case 'connecting':
      return words('wait', 'connecting', control?.frozen ? frozenSentence : 'The hub opens its one WebSocket.');
    case 'handshaking':
      return words('wait', 'handshake', 'The socket is open; hub and server agree on where they left off.');
    case 'open': {
      const detail = roundTripMs === null ? '' : `${latency(roundTripMs)} round trip`;
      if (control?.frozen) return { ...words('wait', 'open, silent', frozenSentence), detail: '' };
      return { ...words('good', 'open', 'All tabs send and receive over this one connection.'), detail };
    }
    case 'draining':
      return words('wait', 'draining', 'The server is leaving; the hub finishes what is under way, then reconnects.');
    case 'backoff':
      return { ...words('bad', 'disconnected', backoffSentence(status)), detail: countdown(status, nowMs) };
    case 'suspended':
      return words('bad', 'suspended', 'The hub has stopped trying. Press “Reconnect now”.');
    case 'closed':
      return words('off', 'closed', 'This tab has left.');
    default:
      return status.state satisfies never;
  }
};

const words = (tone: Tone, label: string, sentence: string): StatusWords => ({ tone, label, detail: '', sentence });

const frozenSentence = 'The server process is frozen: its sockets stay open and nobody answers. The heartbeat finds out.';

const backoffSentence = ({ attempt }: SocketStatus): string => {
  const failures = attempt <= 1 ? 'The connection is lost' : `${attempt} attempts in a row have failed`;
  return `${failures}. The hub tries again by itself, once for all tabs; what you send meanwhile is queued.`;
};

const countdown = ({ nextRetryAt }: SocketStatus, nowMs: number): string => {
  if (nextRetryAt === null) return '';
  return `retry in ${(Math.max(0, nextRetryAt - nowMs) / 1_000).toFixed(1)} s`;
};
