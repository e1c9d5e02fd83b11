import type { Gap, Message } from 'onesocket';
import type { ChatText } from './contract.ts';

/** How far a message of this tab has come. */
export type Progress = 'sending' | 'stored' | 'acked' | 'failed';

/** One row of the chat. */
export type ChatRow =
  | {
      readonly kind: 'message';
      readonly id: string;
      readonly tabId: string;
      readonly text: string;
      /** Null for what other tabs sent. */
      readonly progress: Progress | null;
      /** Whether the server has given it a place among all messages. */
      readonly placed: boolean;
      readonly failure: string | null;
    }
  | { readonly kind: 'gap'; readonly id: string; readonly gap: Pick<Gap, 'missed' | 'reason'> };

/** The rows of the chat: those with a place first, in the server's order, then what this tab has under way. */
export interface ChatLog {
  readonly rows: readonly ChatRow[];
  /** Counts up with every change. */
  readonly version: number;
  sent(id: string, chat: ChatText): void;
  progressed(id: string, progress: Progress, failure?: string): void;
  received(message: Pick<Message<ChatText>, 'id' | 'payload'>): void;
  missed(gap: Pick<Gap, 'missed' | 'reason'>): void;
}

const rowsMax = 200;

/** An empty chat. Keeps the last 200 rows. */
export const createChatLog = (): ChatLog => {
  let rows: ChatRow[] = [];
  let version = 0;
  let gaps = 0;

  const set = (next: ChatRow[]): void => {
    rows = next.slice(-rowsMax);
    version += 1;
  };
  const isPlaced = (row: ChatRow): boolean => row.kind === 'gap' || row.placed;
  const place = (row: ChatRow): void => {
    const others = rows.filter((other) => other.id !== row.id);
    set([...others.filter(isPlaced), row, ...others.filter((other) => !isPlaced(other))]);
  };

  return {
    get rows() {
      return rows;
    },
    get version() {
      return version;
    },
    sent(id, { tabId, text }) {
      set([...rows, { kind: 'message', id, tabId, text, progress: 'sending', placed: false, failure: null }]);
    },
    progressed(id, progress, failure) {
      const row = rows.find((known) => known.id === id);
      if (row?.kind !== 'message') return;
      // The promises of one delivery may settle in any order within a turn.
      if (progress === 'stored' && row.progress !== 'sending') return;
      if (progress === 'failed') return place({ ...row, progress, placed: true, failure: failure ?? null });
      set(rows.map((other) => (other === row ? { ...row, progress } : other)));
    },
    received({ id, payload: { tabId, text } }) {
      const known = rows.find((row) => row.id === id);
      const progress = known?.kind === 'message' ? known.progress : null;
      place({ kind: 'message', id, tabId, text, progress, placed: true, failure: null });
    },
    missed({ missed, reason }) {
      gaps += 1;
      place({ kind: 'gap', id: `gap ${gaps}`, gap: { missed, reason } });
    },
  };
};
