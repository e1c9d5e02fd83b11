import { failure } from '../../src/failure.ts';
import type { Engine, EngineHost, HostOption, HubPort } from '../../src/tab-world.ts';
import type { TabApi } from '../../worker/core/hub-api.ts';
import type { Clock } from '../../worker/clock.ts';
import type { Random } from '../kernel/random.ts';
import type { Realm } from '../kernel/realm.ts';
import * as simLimits from '../limits.ts';
import type { HubSetting, RunningHub } from './hubs.ts';
import { SimPort } from './port.ts';

/** What becomes of a host that a page tries: its constructor throws, it tells of an error, or nothing ever answers. */
export type HostFate = 'works' | 'throws' | 'fails' | 'silent';

/** Where the hub can run, as one page has it. */
export type PageHosts = Readonly<Record<HostOption, HostFate>>;

/** What an engine has of its page. */
export interface EngineParts {
  readonly page: Realm;
  readonly version: number;
  readonly random: Random;
  /** The page's timers. */
  readonly after: Clock['after'];
  /** Runs the script of the worker in a realm. */
  start(realm: Realm, setting: HubSetting): RunningHub;
  /** The tab's side at one end of a port. */
  portTo(port: SimPort<never>, api: TabApi): HubPort;
}

/** The error of a host that cannot be had. */
export const unavailable = (host: HostOption): Error => failure('host-unavailable', `no ${host}`);

/** Starts a hub in a worker of a page, or in the page itself. */
export function startEngine(
  { page, version, random, after, start, portTo }: EngineParts,
  host: EngineHost,
  hubName: string,
  fate: HostFate,
  failed: (error: Error) => void,
): Engine {
  if (fate === 'throws') throw unavailable(host);
  const latency = () => random.between(simLimits.portMsMin, simLimits.portMsMax);
  const isWorker = host === 'dedicated-worker';
  const realm = isWorker ? page.spawn(`${page.newId()}.engine`) : page;
  page.kernel.timeline.add(page.name, 'starts', `${host} ${realm.name} ${fate}`);
  let isStopped = false;
  let early: SimPort<never>[] = [];
  let hub: RunningHub | null = null;

  function load(): void {
    if (isStopped) return;
    const ended = isWorker ? { ended: () => realm.die('ends itself') } : {};
    const timers = isWorker ? (delayMs: number, run: () => void) => realm.after(delayMs, run) : after;
    hub = start(realm, { host, hubName, version, after: timers, ...ended });
    for (const port of early) hub.accept(port);
    early = [];
  }

  const loadMs = random.between(simLimits.loadMsMin, simLimits.loadMsMax);
  if (fate === 'works') realm.after(loadMs, load);
  else if (fate === 'fails') page.after(loadMs, () => failed(unavailable(host)));

  return {
    open(api) {
      const [near, far] = [new SimPort<never>(page, latency), new SimPort<never>(realm, latency)];
      SimPort.join(near, far);
      if (hub) hub.accept(far);
      else early.push(far);
      return portTo(near, api);
    },
    stop() {
      isStopped = true;
      if (isWorker) realm.die('terminated');
      else hub?.end();
    },
  };
}
