import { ConnectionError, type OneSocket, type Subscription } from 'onesocket';
import { createChatLog, type ChatLog } from './chat-log.ts';
import { createChatView } from './chat-view.ts';
import type { ChatText, DemoApi } from './contract.ts';
import { byId } from './dom.ts';
import type { Render } from './frames.ts';

/** The chat. */
export interface ChatPanel {
  readonly subscription: Subscription<ChatText>;
  readonly render: Render;
  /** Called for every message that leaves this tab. */
  onPublish(listener: () => void): void;
}

const topic = 'chat:lobby';

/** Shows the lobby, and sends what the visitor writes. */
export const startChat = (socket: OneSocket<DemoApi>): ChatPanel => {
  const log = createChatLog();
  const view = createChatView(socket.status.tabId);
  const subscription = socket.subscribe(topic, { replay: 100 });
  subscription.onMessage((message) => log.received(message));
  subscription.onGap((gap) => log.missed(gap));

  const listeners: (() => void)[] = [];
  const input = byId('chat-text', HTMLInputElement);
  byId('chat-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    const text = input.value.trim();
    input.value = '';
    if (text === '') return;
    send(socket, log, { tabId: socket.status.tabId, text });
    for (const listener of listeners) listener();
  });

  return {
    subscription,
    render: () => view.show(log),
    onPublish: (listener) => void listeners.push(listener),
  };
};

const send = (socket: OneSocket<DemoApi>, log: ChatLog, chat: ChatText): void => {
  const { id, stored, acked } = socket.publish(topic, chat);
  const fail = (error: unknown): void => log.progressed(id, 'failed', failureOf(error));
  log.sent(id, chat);
  stored.then(() => log.progressed(id, 'stored'), fail);
  acked.then(() => log.progressed(id, 'acked'), fail);
};

const failureOf = (error: unknown): string =>
  error instanceof ConnectionError ? `${error.code}: ${error.message}` : String(error);
