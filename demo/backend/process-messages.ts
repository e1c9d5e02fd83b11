/** From the script to its parent: it listens. */
export interface ReadyMessage {
  readonly ready: true;
  readonly port: number;
}

/** From the parent to the script. */
export interface RequestMessage {
  readonly request: number;
  readonly message: unknown;
}

/** The script's answer to the request with that number. */
export interface ReplyMessage {
  readonly reply: number;
  readonly value?: unknown;
  readonly error?: string;
}

const has = (message: unknown, key: string): boolean =>
  typeof message === 'object' && message !== null && key in message;

export const isReady = (message: unknown): message is ReadyMessage => has(message, 'ready');
export const isRequest = (message: unknown): message is RequestMessage => has(message, 'request');
export const isReply = (message: unknown): message is ReplyMessage => has(message, 'reply');
