import type { ChildProcess } from 'node:child_process';
import { isReply, type ReplyMessage, type RequestMessage } from './process-messages.ts';

/** Requests to a child process under way. */
export interface ChildCalls {
  /** Rejects when the child answers with an error, ends, or is silent for `timeoutMs`. */
  request(message: unknown, timeoutMs: number): Promise<unknown>;
}

/** Numbers requests over a child's IPC channel and settles every one of them. */
export const createChildCalls = (child: ChildProcess): ChildCalls => {
  let lastNumber = 0;
  const waiting = new Map<number, (reply: ReplyMessage) => void>();

  child.on('message', (message) => {
    if (isReply(message)) waiting.get(message.reply)?.(message);
  });
  child.once('exit', () => {
    for (const [number, settle] of waiting) settle({ reply: number, error: 'the server process ended' });
  });

  return {
    request: (message, timeoutMs) =>
      new Promise((resolve, reject) => {
        const number = ++lastNumber;
        const settle = (reply: ReplyMessage): void => {
          clearTimeout(deadline);
          waiting.delete(number);
          if (reply.error === undefined) resolve(reply.value);
          else reject(new Error(reply.error));
        };
        const fail = (error: string): void => settle({ reply: number, error });
        const deadline = setTimeout(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs);
        waiting.set(number, settle);
        child.send({ request: number, message } satisfies RequestMessage, (error) => {
          if (error !== null) fail(error.message);
        });
      }),
  };
};
