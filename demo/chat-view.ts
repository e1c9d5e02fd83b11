import type { ChatLog, ChatRow } from './chat-log.ts';
import { arrange, byId, make, setText } from './dom.ts';
import { gapWords } from './gap-words.ts';
import { identityOf, tint } from './identity.ts';
import { markLegend, markOf } from './marks.ts';

/** The chat's rows on the page. */
export interface ChatView {
  show(log: ChatLog): void;
}

/** Draws rows that are new or changed and keeps the elements of the rest, so that a screen reader hears each once. */
export const createChatView = (ownTabId: string): ChatView => {
  const list = byId('chat-log', HTMLOListElement);
  const me = byId('me', HTMLElement);
  setText(me, identityOf(ownTabId).name);
  tint(me, ownTabId);
  byId('chat-legend', HTMLElement).replaceChildren(...markLegend());

  // Somebody who scrolled up to read stays there; everybody else sees the newest row.
  let isAtEnd = true;
  const keepPlace = (): void => {
    if (isAtEnd) list.scrollTop = list.scrollHeight;
  };
  list.addEventListener('scroll', () => {
    isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  });
  new ResizeObserver(keepPlace).observe(list);

  let shownVersion = 0;
  let shown = new Map<ChatRow, HTMLElement>();
  return {
    show(log) {
      if (log.version === shownVersion) return;
      shownVersion = log.version;
      shown = new Map(log.rows.map((row) => [row, shown.get(row) ?? rowElement(row)]));
      arrange(list, [...shown.values()]);
      keepPlace();
    },
  };
};

const rowElement = (row: ChatRow): HTMLElement => {
  if (row.kind === 'gap') return make('li', 'notice', gapWords(row.gap));
  const author = make('span', 'author', identityOf(row.tabId).name);
  tint(author, row.tabId);
  const text = make('span', 'text', row.text);
  if (row.failure !== null) text.append(make('span', 'failure', row.failure));
  const element = make('li', row.placed ? 'message' : 'message pending', author, text);
  if (row.progress !== null) element.append(markOf(row.progress));
  return element;
};
