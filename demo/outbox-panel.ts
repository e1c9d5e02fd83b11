import { ConnectionError, type OneSocket, type OutboxEntry } from 'onesocket';
import { isChatText } from './chat-text.ts';
import type { DemoApi } from './contract.ts';
import { arrange, byId, make, setText } from './dom.ts';
import { durabilityWords } from './durability-words.ts';
import { atMostEvery, type Render } from './frames.ts';
import { identityOf, tint } from './identity.ts';
import { watchOutbox } from './outbox-watch.ts';
import { count, duration } from './words.ts';

interface Row {
  readonly element: HTMLElement;
  show(entry: OutboxEntry, nowMs: number): void;
}

const rowsMax = 50;

/** Shows what waits, of all tabs, and lets the visitor take it back. */
export const startOutbox = (socket: OneSocket<DemoApi>): Render => {
  const list = byId('outbox-list', HTMLOListElement);
  const more = byId('outbox-more', HTMLElement);
  const meaning = byId('outbox-durability', HTMLElement);
  const storeFault = byId('outbox-store-fault', HTMLElement);
  const fault = byId('outbox-fault', HTMLElement);
  const watch = watchOutbox(socket);

  const cancel = async (id: string): Promise<void> => {
    setText(fault, '');
    try {
      const isCancelled = await socket.outbox.delivery(id).cancel();
      if (!isCancelled) setText(fault, 'Too late: it may have been sent.');
    } catch (error) {
      setText(fault, error instanceof ConnectionError ? `${error.code}: ${error.message}` : String(error));
    }
    watch.look();
  };

  let rows = new Map<string, Row>();
  return atMostEvery(200, () => {
    const { entries } = watch;
    const now = Date.now();
    const known = rows;
    rows = new Map();
    for (const entry of entries.slice(0, rowsMax)) {
      const row = known.get(entry.id) ?? createRow(entry, () => cancel(entry.id));
      row.show(entry, now);
      rows.set(entry.id, row);
    }
    arrange(
      list,
      Array.from(rows.values(), ({ element }) => element),
    );
    const rest = entries.length - rows.size;
    setText(more, rest > 0 ? `and ${count(rest)} more` : '');
    const words = durabilityWords(socket.status);
    setText(meaning, words.sentence);
    setText(storeFault, words.fault);
  });
};

const createRow = ({ topic, payload, ts }: OutboxEntry, cancel: () => Promise<void>): Row => {
  const chat = isChatText(payload) ? payload : null;
  const author = make('span', 'author', chat ? identityOf(chat.tabId).name : topic);
  if (chat) tint(author, chat.tabId);
  const text = make('span', 'text', chat?.text ?? '');
  const age = make('span', 'age');
  const sent = make('span', 'sent', 'perhaps sent');
  sent.title = 'It can be taken back only if the server turns out not to have it.';
  const button = make('button', 'button small', 'Cancel');
  button.type = 'button';
  button.setAttribute('aria-label', `Cancel: ${chat?.text ?? topic}`);
  button.addEventListener('click', async () => {
    button.disabled = true;
    await cancel();
    button.disabled = false;
  });
  const fate = make('span', 'fate', button);
  return {
    element: make('li', 'waiting', author, text, age, fate),
    show({ isSent }, nowMs) {
      setText(age, duration(Math.max(0, nowMs - ts)));
      arrange(fate, [isSent ? sent : button]);
    },
  };
};
