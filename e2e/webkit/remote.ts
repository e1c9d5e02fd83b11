import type { WebSocket } from 'ws';

/** A page that does what it is asked for. */
export interface Remote {
  /** Runs a function, given as text, or an expression. Rejects with what it throws, or when the page goes. */
  evaluate(source: string, args: readonly unknown[]): Promise<unknown>;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** The page's side: takes the URL of the control server as its argument. */
export const remoteScript = `
  const control = new WebSocket(arguments[0]);
  control.onmessage = async ({ data }) => {
    const { id, source, args } = JSON.parse(data);
    const answer = { id };
    try {
      const value = (0, eval)('(' + source + ')');
      answer.value = await (typeof value === 'function' ? value(...args) : value);
    } catch (error) {
      answer.error = String(error);
    }
    control.send(JSON.stringify(answer));
  };`;

/** The test's side. */
export const createRemote = (socket: WebSocket): Remote => {
  const waiting = new Map<number, (answer: Answer) => void>();
  let asked = 0;
  socket.on('message', (data) => {
    const answer = JSON.parse(String(data)) as Answer;
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  socket.on('error', () => {});
  socket.once('close', () => {
    for (const [id, settle] of waiting) settle({ id, error: 'the page has gone' });
    waiting.clear();
  });
  return {
    evaluate: (source, args) =>
      new Promise((resolve, reject) => {
        const id = (asked += 1);
        waiting.set(id, ({ value, error }) =>
          error === undefined ? resolve(value) : reject(new Error(error)),
        );
        socket.send(JSON.stringify({ id, source, args }), (error) => error && reject(error));
      }),
  };
};
