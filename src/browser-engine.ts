import { hubApiVersion, type TabApi } from '../worker/core/hub-api.ts';
import type { PageEngine } from '../worker/hub.worker.ts';
import { workerName } from '../worker/names.ts';
import { portTo, unavailable } from './browser-port.ts';
import { scriptUrl } from './script-url.ts';
import type { Engine, TabWorld } from './tab-world.ts';

/** What the worker's script leaves in a page that imports it: starts a hub there. */
type StartInPage = (hubName: string, isAlone: boolean) => PageEngine;

/** Starts a hub in a worker of this page, or in the page. */
export const startEngine: TabWorld['startEngine'] = (host, ...start) =>
  host === 'page' ? inPage(...start) : inWorker(...start);

type Start = Parameters<TabWorld['startEngine']> extends [unknown, ...infer Rest] ? Rest : never;

function inWorker(...[url, hubName, failed, isAlone]: Start): Engine {
  const where = `dedicated-worker from ${url}`;
  let worker: Worker;
  try {
    worker = new Worker(scriptUrl(url), { type: 'module', name: workerName(hubName, 0, isAlone) });
  } catch (cause) {
    throw unavailable(where, cause);
  }
  worker.onerror = (event) => {
    // What goes wrong later the hub tells its tabs itself; the page would report it a second time.
    event.preventDefault();
    failed(unavailable(where, event.message));
  };
  return engine(
    (port) => worker.postMessage(null, [port]),
    () => worker.terminate(),
  );
}

function inPage(...[url, hubName, failed, isAlone]: Start): Engine {
  const early: MessagePort[] = [];
  let connect = (port: MessagePort): void => void early.push(port);
  let isStopped = false;
  let stop = (): void => void (isStopped = true);
  const start = () => {
    if (isStopped) return;
    const key = Symbol.for(`onesocket:${hubApiVersion}`);
    const hub = (globalThis as unknown as Record<symbol, StartInPage>)[key]!(hubName, isAlone);
    ({ connect, stop } = hub);
    early.forEach(connect);
  };
  // Bundlers have to leave it alone: it is the URL of a file that they have emitted already.
  import(/* @vite-ignore */ /* webpackIgnore: true */ url)
    .then(start)
    .catch((cause: unknown) => failed(unavailable(`page from ${url}`, cause)));
  // In the turn of the call: a page that goes into the back/forward cache has no other.
  return engine(
    (port) => connect(port),
    () => stop(),
  );
}

const engine = (connect: (port: MessagePort) => void, stop: () => void): Engine => ({
  open(api: TabApi) {
    const { port1, port2 } = new MessageChannel();
    connect(port2);
    return portTo(port1, api);
  },
  stop,
});
