import { EventLog } from '../../worker/testing/event-log.ts';
import type { connect } from '../connect.ts';
import type { ConnectOptions, OneSocket, SocketStatus } from '../types.ts';

/** How a frame differs from an ordinary page. */
export interface FrameSetting {
  /** Its content security policy. */
  readonly policy?: string;
  /** A script that runs before the library. */
  readonly before?: string;
}

type FrameWindow = Window & { connect?: typeof connect };

const frames = new Set<HTMLIFrameElement>();

/** A page of this origin, with a document and a life of its own, where a test can connect a tab. */
export async function openFrame({ policy, before = '' }: FrameSetting = {}) {
  const frame = document.createElement('iframe');
  frames.add(frame);
  const meta = policy ? `<meta http-equiv="Content-Security-Policy" content="${policy}">` : '';
  const module = new URL('../connect.ts', import.meta.url).href;
  // The test server makes dynamic imports go through its own function, which only the test's page has.
  const runner = 'window.__vitest_browser_runner__ = { wrapDynamicImport: (load) => load() };';
  frame.srcdoc = `${meta}<script>${runner}${before}</script>
    <script type="module">import { connect } from '${module}'; Object.assign(window, { connect });</script>`;
  const loaded = new Promise((resolve) => (frame.onload = resolve));
  document.body.append(frame);
  await loaded;
  const page = frame.contentWindow as FrameWindow;
  return {
    page,
    /** Connects a tab there, and follows what it tells. */
    connect(url: string, options: ConnectOptions) {
      const socket = page.connect!(url, options);
      return { socket, ...follow(socket) };
    },
    close() {
      frame.remove();
      frames.delete(frame);
    },
  };
}

/** Closes what a test has left open. */
export function closeFrames(): void {
  for (const frame of frames) frame.remove();
  frames.clear();
}

/** What a tab tells of its status. */
export function follow(socket: OneSocket) {
  const statuses = new EventLog<SocketStatus>();
  statuses.add(socket.status);
  socket.addEventListener('status', ({ detail }) => statuses.add(detail));
  /** Settles with the first status like this that is told from now on, or with the present one. */
  const reaches = (like: Partial<SocketStatus>): Promise<SocketStatus> => {
    const from = statuses.events.length - 1;
    const isLike = (status: SocketStatus) =>
      Object.entries(like).every(([key, value]) => status[key as keyof SocketStatus] === value);
    return statuses.until((all) => all.slice(from).find(isLike));
  };
  return { statuses, reaches };
}
