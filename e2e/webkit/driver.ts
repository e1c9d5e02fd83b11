import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Builder, Capabilities, type WebDriver } from 'selenium-webdriver';
import { findWebKit } from '../../scripts/browser.mjs';

/** A screen in memory, and the driver that starts browsers on it. */
export interface WebKitDriver extends AsyncDisposable {
  /** Starts a browser, with a profile of its own that ends with it. */
  start(): Promise<WebDriver>;
}

const startMsMax = 20_000;
const pollMs = 20;

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
};

/** Starts Xvfb on the first free display. */
const startScreen = async (path: string): Promise<{ screen: ChildProcess; display: string }> => {
  const args = ['-displayfd', '3', '-screen', '0', '1280x1024x24', '-nolisten', 'tcp'];
  const screen = spawn(path, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const [number] = await once(screen.stdio[3] as Readable, 'data', {
    signal: AbortSignal.timeout(startMsMax),
  });
  return { screen, display: `:${String(number).trim()}` };
};

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

/** Settles when the driver answers; it says nowhere that it listens. */
const answers = async (url: string): Promise<void> => {
  for (const deadline = Date.now() + startMsMax; ; await delay(pollMs)) {
    try {
      await fetch(`${url}/status`);
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
};

/** Starts screen and driver. */
export const startDriver = async (): Promise<WebKitDriver> => {
  const paths = findWebKit();
  if (paths === undefined) throw new Error('there is no WebKitGTK with driver and Xvfb: run `npm run setup`');
  const { screen, display } = await startScreen(paths.screen);
  const port = await freePort();
  const driver = spawn(paths.driver, [`--port=${port}`], {
    stdio: 'ignore',
    env: { ...process.env, DISPLAY: display, GDK_BACKEND: 'x11' },
  });
  const url = `http://127.0.0.1:${port}`;
  await answers(url);
  const capabilities = new Capabilities()
    .setBrowserName('MiniBrowser')
    .set('webkitgtk:browserOptions', { binary: paths.browser, args: ['--automation'] });
  return {
    start: () => new Builder().usingServer(`${url}/`).withCapabilities(capabilities).build(),
    async [Symbol.asyncDispose]() {
      await end(driver);
      await end(screen);
    },
  };
};
