import { isRequest, type ReadyMessage, type ReplyMessage } from './process-messages.ts';

/**
 * For a script that `startServerProcess` runs: tells the parent that the server listens on `port`, and answers what
 * the parent asks with `ServerProcess.request`. Does nothing in a process without a parent that listens.
 */
export const serveParent = (port: number, answer?: (message: unknown) => unknown): void => {
  process.on('message', (message) => {
    if (isRequest(message)) void reply(message.request, async () => answer?.(message.message));
  });
  send({ ready: true, port });
};

const reply = async (number: number, answer: () => Promise<unknown>): Promise<void> => {
  try {
    send({ reply: number, value: await answer() });
  } catch (error) {
    send({ reply: number, error: String(error) });
  }
};

const send = (message: ReadyMessage | ReplyMessage): void => {
  if (process.connected) process.send?.(message);
};
