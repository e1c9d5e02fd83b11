import { register } from 'node:module';
import { WebSocket } from 'ws';

// What the library reads of a page, so that it runs in Node as it is: tab, hub and all between them, over real sockets. The hub
// runs in the page (`host: 'page'`), as it does where no worker can be started.

const pageOrigin = 'http://page.test';
/** For the option `worker`. */
export const workerUrl = `${pageOrigin}/worker.js`;

/** Addresses that the sockets come from, in turn: a server counts the connections of each. */
const addresses = 20;
let dials = 0;
/** Called for each socket that a hub opens, and each that closes or could not be opened. */
export const socketHooks = { dialled(_url: string): void {}, closed(_url: string): void {} };

class PageSocket extends WebSocket {
  constructor(url: string, protocols: string[]) {
    socketHooks.dialled(url);
    super(url, protocols, { localAddress: `127.0.1.${1 + (dials++ % addresses)}` });
    // A browser's socket asks for no listener.
    this.on('error', () => {});
    this.once('close', () => socketHooks.closed(url));
  }
}

// The hub's script is imported by a URL of the page, which Node would refuse to fetch.
const script = import.meta.resolve('onesocket/worker');
const hooks = `export const resolve = (specifier, context, next) =>
  specifier === ${JSON.stringify(workerUrl)}
    ? { url: ${JSON.stringify(script)}, shortCircuit: true }
    : next(specifier, context);`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);

Object.assign(globalThis, {
  window: new EventTarget(),
  document: Object.assign(new EventTarget(), { visibilityState: 'visible' }),
  location: { href: `${pageOrigin}/` },
  WebSocket: PageSocket,
});
