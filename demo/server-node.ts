import type { ControlState } from './contract.ts';
import { byId, setText } from './dom.ts';
import { count, duration } from './words.ts';

let seen: ControlState | null = null;
let seenAtMs = 0;

/** Shows the server as its supervisor sees it. `now` is in milliseconds, from the page's monotonic clock. */
export const showServer = (state: ControlState | null, now: number): void => {
  if (state !== seen) [seen, seenAtMs] = [state, now];
  const node = byId('server', HTMLElement);
  const counts = state?.counts ?? null;
  node.dataset['tone'] = state === null || state.frozen || !state.running ? 'bad' : 'good';
  setText(byId('connections', HTMLElement), counts === null ? '–' : count(counts.connections));
  setText(byId('connections-unit', HTMLElement), unitOf(state));
  setText(byId('pid', HTMLElement), state?.running ? String(state.pid) : '–');
  setText(byId('uptime', HTMLElement), counts === null ? '–' : duration(counts.uptimeMs + now - seenAtMs));
};

const unitOf = (state: ControlState | null): string => {
  if (state === null) return 'no supervisor';
  if (!state.running) return 'starting';
  if (state.frozen) return 'frozen';
  return state.counts?.connections === 1 ? 'connection' : 'connections';
};
