/** What the page and its server agree on: topics, requests, and the supervisor's view of the server. */
export interface DemoApi {
  topics: { 'chat:lobby': ChatText; ticker: Tick };
  requests: { 'server.info': { input: null; output: ServerInfo } };
}

/** A chat message. Its author is a tab id, from which every page derives the same name and colour. */
export interface ChatText {
  readonly tabId: string;
  readonly text: string;
}

/** One of 1,000 messages per second. */
export interface Tick {
  readonly price: number;
}

/** The server's answer to `server.info`. */
export interface ServerInfo {
  readonly pid: number;
  readonly uptimeMs: number;
}

/** What the server process counts, as it tells its supervisor. */
export interface ServerCounts {
  /** WebSocket connections at this moment. */
  readonly connections: number;
  readonly subscriptions: number;
  /** Messages published to all topics in the last full second. */
  readonly publishedPerSecond: number;
  readonly uptimeMs: number;
}

/** The answer to `GET /control/state` and to every control: the truth behind the page's back. */
export interface ControlState {
  readonly pid: number;
  /** False between kill and ready. */
  readonly running: boolean;
  /** Stopped by SIGSTOP. */
  readonly frozen: boolean;
  /** The network path between browser and server is cut. */
  readonly cut: boolean;
  /** Null while the server is down or frozen. */
  readonly counts: ServerCounts | null;
}

/** What a visitor can do to the server: `POST /control/<action>`. */
export const controlActions = ['cut', 'heal', 'freeze', 'thaw', 'restart'] as const;
export type ControlAction = (typeof controlActions)[number];
