import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServerProcess, type ServerProcess } from '../../demo/backend/server-process.ts';
import { createTcpProxy, type TcpProxy } from '../../demo/backend/tcp-proxy.ts';
import { startSite, type Site } from '../harness/site.ts';
import type { ChaosBrowser } from './browser.ts';
import { startChromium } from './chromium.ts';
import { startFirefox } from './firefox.ts';
import * as chaosLimits from './limits.ts';
import { planLarges } from './large.ts';
import { createNarrowPath, type NarrowPath } from './narrow-path.ts';
import {
  chaosServerVariable,
  type Breakage,
  type ChaosServerCommand,
  type ChaosServerSettings,
  type HeldMessages,
  type ServerFacts,
} from './server-contract.ts';
import { hostOf, type Setting } from './setting.ts';
import type { ServerRecord } from './story.ts';
import { Tabs } from './tabs.ts';

/** A process that is stopped. */
export interface Frozen {
  readonly pid: number;
  readonly at: number;
  /** After how many milliseconds somebody else had the hub lock; null where nobody has to take it. */
  takeover: { afterMs: number | null } | null;
}

/** Everything that can break, each a real process or a real socket. */
export interface World extends AsyncDisposable {
  readonly setting: Setting;
  readonly server: ServerProcess;
  readonly proxy: TcpProxy;
  readonly path: NarrowPath;
  readonly tabs: Tabs;
  readonly topics: readonly string[];
  /** Those that pages subscribe to by a stored cursor. */
  readonly cursorTopics: readonly string[];
  /** The browser that runs now. */
  readonly browser: ChaosBrowser;
  /** The process that is stopped now. */
  frozen: Frozen | null;
  /** Starts the browser again on the profile of the one that was killed. */
  startBrowser(): Promise<void>;
  /** The disk is full from now on, or is not. Outlives the browser. */
  fillDisk(isFull: boolean): Promise<void>;
  /** Notes what must not be. */
  trouble(text: string): void;
  facts(): Promise<ServerFacts>;
  record(): Promise<ServerRecord>;
}

/** What a world needs. */
export interface WorldPlan extends Pick<World, 'setting' | 'trouble'> {
  /** Decides the large entries. */
  readonly seed: number;
  /** How long the run is to last. */
  readonly minutes: number;
  readonly breaks: Breakage | undefined;
  readonly take: (report: string) => void;
}

/** Deadlines short enough that a run meets them all, and a bound that a run does not meet. */
const pageOptions = {
  backoff: { baseMs: 50, maxMs: 500, maxAttempts: 1_000_000 },
  heartbeat: { intervalMs: 1_000, timeoutMs: 1_000 },
  connectTimeoutMs: 3_000,
  handshakeTimeoutMs: 3_000,
  queue: { maxEntries: 100_000, maxBytes: 256 * 1024 ** 2 },
} as const;

/** Starts everything but the browser. */
export const startWorld = async (plan: WorldPlan): Promise<World> => {
  const { setting, seed, minutes, breaks, take, trouble } = plan;
  const folder = await mkdtemp(join(tmpdir(), 'onesocket-chaos-'));
  const [profile, data] = [join(folder, 'profile'), join(folder, 'server')];
  await mkdir(data);
  const settings: ChaosServerSettings = { folder: data, ...(breaks && { breaks }) };
  const server = await startServerProcess({
    entry: fileURLToPath(new URL('server.ts', import.meta.url)),
    env: { [chaosServerVariable]: JSON.stringify(settings) },
  });
  const path = await createNarrowPath(server.port);
  const proxy = await createTcpProxy({ targetPort: path.port });
  const site = await startSite();
  const topics = Array.from({ length: chaosLimits.topics }, (_, index) => `topic-${index}`);
  const cursorTopics = topics.slice(0, 1);
  const tabs = new Tabs({
    origin: site.origin,
    hostOf: (place) => hostOf(setting.host, place),
    take,
    pageError: (text) => trouble(`unhandled in a page: ${text}`),
    larges: (page) => planLarges(seed, page, minutes),
    spec: {
      url: `ws://127.0.0.1:${proxy.port}/realtime`,
      options: pageOptions,
      topics,
      cursorTopics,
      publishEveryMs: chaosLimits.publishEveryMs,
      pendingMax: chaosLimits.pendingMax,
      burst: chaosLimits.burst,
    },
  });
  return assemble({
    setting,
    trouble,
    folder,
    profile,
    server,
    path,
    proxy,
    site,
    topics,
    cursorTopics,
    tabs,
  });
};

interface Parts extends Pick<
  World,
  'setting' | 'trouble' | 'server' | 'path' | 'proxy' | 'topics' | 'cursorTopics' | 'tabs'
> {
  readonly folder: string;
  readonly profile: string;
  readonly site: Site;
}

const assemble = ({ folder, profile, site, ...parts }: Parts): World => {
  let browser: ChaosBrowser | undefined;
  let isDiskFull = false;
  const startBrowserIn = parts.setting.browser === 'firefox' ? startFirefox : startChromium;
  const ask = (command: ChaosServerCommand): Promise<unknown> => parts.server.request(command, 20_000);
  const fillDisk = async (isFull: boolean): Promise<void> => {
    isDiskFull = isFull;
    // The browser forgets it when it ends.
    await browser?.fillDisk?.(site.origin, isFull);
  };
  return {
    ...parts,
    frozen: null,
    get browser() {
      if (browser === undefined) throw new Error('no browser runs');
      return browser;
    },
    async startBrowser() {
      browser = await startBrowserIn(profile);
      if (isDiskFull) await fillDisk(true);
    },
    fillDisk,
    facts: async () => (await ask({ kind: 'facts' })) as ServerFacts,
    record: async () => {
      const record = new Map();
      for (const topic of parts.topics) record.set(topic, await readTopic(topic, ask));
      return record;
    },
    async [Symbol.asyncDispose]() {
      await browser?.kill();
      await parts.server.kill();
      await parts.proxy.close();
      await parts.path[Symbol.asyncDispose]();
      await site[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
};

const readTopic = async (
  topic: string,
  ask: (command: ChaosServerCommand) => Promise<unknown>,
): Promise<ServerRecord extends ReadonlyMap<string, infer H> ? H : never> => {
  const held = [];
  for (;;) {
    const after = held.at(-1)?.offset ?? 0;
    const { newest, messages } = (await ask({ kind: 'read', topic, after })) as HeldMessages;
    held.push(...messages.map(([epoch, offset, entry, large]) => ({ epoch, offset, entry, large })));
    if (messages.length === 0 || held.at(-1)!.offset >= newest) return held;
  }
};
