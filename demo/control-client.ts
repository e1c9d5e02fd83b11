import type { ControlAction, ControlState } from './contract.ts';

/** What the supervisor says of the server, which the socket cannot know while it is broken. */
export interface ControlClient {
  /** Null before the first answer, and while the supervisor is gone. */
  readonly state: ControlState | null;
  /** Rejects with an Error if the supervisor did not do it. */
  act(action: ControlAction): Promise<void>;
}

const pollEveryMs = 1_000;

/** Asks for the state every second while the tab is visible. Plain requests, since a stream per tab would use up the browser's six connections. */
export const createControlClient = (): ControlClient => {
  let state: ControlState | null = null;

  const ask = async (path: string, method: 'GET' | 'POST'): Promise<void> => {
    try {
      const response = await fetch(`/control/${path}`, { method });
      if (!response.ok) throw new Error(`The supervisor answered ${response.status}.`);
      state = (await response.json()) as ControlState;
    } catch (error) {
      state = null;
      throw error;
    }
  };

  const poll = (): void => {
    if (document.visibilityState === 'visible') void ask('state', 'GET').catch(() => {});
  };
  setInterval(poll, pollEveryMs);
  document.addEventListener('visibilitychange', poll);
  poll();

  return {
    get state() {
      return state;
    },
    act: (action) => ask(action, 'POST'),
  };
};
