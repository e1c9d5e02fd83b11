import type { ControlState } from './contract.ts';
import { byId, setText } from './dom.ts';
import { count, duration } from './words.ts';

/** Gives a function that shows the server as its supervisor sees it. `now` is in milliseconds, from the page's monotonic clock. */
export const createServerNode = (): ((state: ControlState | null, now: number) => void) => {
  const node = byId('server', HTMLElement);
  const connections = byId('connections', HTMLElement);
  const unit = byId('connections-unit', HTMLElement);
  const pid = byId('pid', HTMLElement);
  const uptime = byId('uptime', HTMLElement);
  const published = byId('published', HTMLElement);
  let seen: ControlState | null = null;
  let seenAtMs = 0;

  return (state, now) => {
    if (state !== seen) [seen, seenAtMs] = [state, now];
    const counts = state?.counts ?? null;
    node.dataset['tone'] = state?.running && !state.frozen ? 'good' : 'bad';
    setText(connections, counts === null ? '–' : count(counts.connections));
    setText(unit, unitOf(state));
    connections.classList.toggle('unknown', counts === null);
    setText(published, counts === null ? '–' : `${count(counts.publishedPerSecond)}/s`);
    setText(pid, state?.running ? String(state.pid) : '–');
    setText(uptime, counts === null ? '–' : duration(counts.uptimeMs + now - seenAtMs));
  };
};

const unitOf = (state: ControlState | null): string => {
  if (state === null) return 'unknown';
  if (!state.running) return 'down';
  if (state.frozen) return 'frozen';
  return state.counts?.connections === 1 ? 'connection' : 'connections';
};
