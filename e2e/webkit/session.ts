import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { WebDriver } from 'selenium-webdriver';
import { WebSocketServer } from 'ws';
import { pageScript } from '../harness/page-tab.ts';
import type { Evaluates } from '../harness/tab.ts';
import { createRemote, remoteScript, type Remote } from './remote.ts';

/** A tab of the browser. */
export interface WebKitPage extends Evaluates {
  reload(): Promise<void>;
  close(): Promise<void>;
}

/** One run of the browser. */
export interface Session extends AsyncDisposable {
  /** Opens a tab with the recorder in it. It is not connected yet. */
  open(url: string): Promise<WebKitPage>;
}

const quitMsMax = 3_000;

/**
 * The tabs of one browser. WebDriver opens and closes them. What they are asked for goes over a WebSocket of each:
 * the driver does one thing at a time, and ends its session with the first command after the crash of any tab.
 */
export const startSession = async (driver: WebDriver): Promise<Session> => {
  // This tab stays empty: no test ends it, and others are opened from it.
  const first = await driver.getWindowHandle();
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const controlUrl = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  let last: Promise<unknown> = Promise.resolve();

  const inTab = <T>(handle: string, act: () => Promise<T>): Promise<T> => {
    const done = last.then(async () => {
      await driver.switchTo().window(handle);
      return act();
    });
    last = done.catch(() => {});
    return done;
  };

  /** Puts recorder and remote control into the current tab. */
  const equip = async (): Promise<Remote> => {
    const connected = once(server, 'connection');
    await driver.executeScript(pageScript + remoteScript, controlUrl);
    const [socket] = await connected;
    return createRemote(socket);
  };

  return {
    open: (url) =>
      inTab(first, async () => {
        await driver.switchTo().newWindow('tab');
        await driver.get(url);
        const handle = await driver.getWindowHandle();
        let remote = await equip();
        return {
          evaluate: ((source: unknown, ...args: unknown[]) =>
            remote.evaluate(String(source), args)) as WebKitPage['evaluate'],
          reload: () =>
            inTab(handle, async () => {
              await driver.navigate().refresh();
              remote = await equip();
            }),
          close: () => inTab(handle, () => driver.close()),
        };
      }),
    async [Symbol.asyncDispose]() {
      // A browser of which a process was killed may not answer; its driver ends it in any case.
      await Promise.race([driver.quit().catch(() => {}), delay(quitMsMax)]);
      for (const socket of server.clients) socket.terminate();
      server.close();
    },
  };
};
