/** What a test may ask of the server about its own connections; server/testing/peers.ts carries it out. */
export interface ServerAnswers {
  connections: { readonly now: number; readonly ever: number };
  close: null;
  kill: null;
  pause: number;
  resume: number;
  closed: { readonly code: number; readonly reason: string };
}

/** A way to ask the test server about the connections that have `name` in the query of their URL. */
export const askServer =
  (commandsUrl: string, name: string) =>
  async <K extends keyof ServerAnswers>(kind: K, more: object = {}): Promise<ServerAnswers[K]> => {
    const response = await fetch(commandsUrl, {
      method: 'POST',
      body: JSON.stringify({ ...more, name, kind }),
    });
    return response.json() as Promise<ServerAnswers[K]>;
  };
