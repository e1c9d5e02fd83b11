import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { buildNewer } from '../../scripts/newer-build.mjs';

/**
 * Serves an empty page at every path, and what we ship under /dist/ as plain ES modules; under /next/ the same, under
 * /newer/ a build of the next version of the contract between tab and hub, and at `steeredWorker` a worker that tests end.
 */
export interface Site extends AsyncDisposable {
  /** Origin of the pages. */
  readonly origin: string;
  /** The same server under another origin. */
  readonly otherOrigin: string;
  /** Settles when a page has asked for `/hold/<key>`, whose answer waits for `release`. */
  held(key: string): Promise<void>;
  release(key: string): void;
}

const dist = fileURLToPath(new URL('../../dist/', import.meta.url));
const page = '<!doctype html><meta charset="utf-8"><title>tab</title><body></body>';

/** Path of a worker that ends at the word `close` on the channel `steer`, and throws any other word as an error. */
export const steeredWorker = '/steered/worker.js';

const steered = `import '/dist/worker.js';
new BroadcastChannel('steer').onmessage = ({ data }) => {
  if (data === 'close') close();
  else setTimeout(() => { throw new Error(data); });
};`;

/** Starts the site on a free port. */
export const startSite = async (): Promise<Site> => {
  // Read once: all pages of a run get the same build, whatever is built meanwhile.
  const scripts = new Map<string, string | Buffer>([[steeredWorker, steered]]);
  for (const name of readdirSync(dist).filter((file) => file.endsWith('.js'))) {
    const script = readFileSync(dist + name);
    scripts.set(`/dist/${name}`, script).set(`/next/${name}`, script);
  }
  let newer: Promise<void> | undefined;
  const addNewer = async () => {
    for (const [name, script] of await buildNewer()) scripts.set(`/newer/${name}`, script);
  };
  const holds = createHolds();
  const server = createServer(async ({ url = '/' }, response) => {
    const path = url.split('?', 1)[0]!;
    // Not `no-store`: that would keep the page out of the back/forward cache.
    response.setHeader('cache-control', 'no-cache');
    if (path.startsWith('/hold/')) return holds.take(path.slice(6), response);
    if (path.startsWith('/newer/')) await (newer ??= addNewer());
    if (!/^\/(dist|next|newer|steered)\//.test(path)) {
      return void response.setHeader('content-type', 'text/html').end(page);
    }
    const script = scripts.get(path);
    if (script === undefined) return void response.writeHead(404).end();
    response.setHeader('content-type', 'text/javascript').end(script);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    otherOrigin: `http://localhost:${port}`,
    held: holds.held,
    release: holds.release,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

/** Answers that wait: a page that asks for one synchronously is stuck until the test lets it go. */
const createHolds = (): {
  take(key: string, response: ServerResponse): void;
  held(key: string): Promise<void>;
  release(key: string): void;
} => {
  const waiting = new Map<string, ServerResponse>();
  const watchers = new Map<string, () => void>();
  return {
    take(key, response) {
      waiting.set(key, response);
      watchers.get(key)?.();
    },
    held: (key) =>
      new Promise((resolve) => {
        if (waiting.has(key)) resolve();
        else watchers.set(key, resolve);
      }),
    release: (key) => void waiting.get(key)?.end(),
  };
};
