import type { Call, ChannelMessage } from '../../worker/channel.ts';
import type { ChannelEnd, ChannelObserver } from '../browser/sim-channels.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Realm } from '../kernel/realm.ts';
import * as simLimits from '../limits.ts';
import type { TabScript } from '../workload/tab-script.ts';
import { must } from './violation.ts';

/** Whether pages follow the newest hub that they hear of over the channel, and hubs leave alone what is meant for another. */
export class Succession implements Omit<ChannelObserver, 'opened'> {
  readonly #kernel: Kernel;
  readonly #scripts: () => readonly TabScript[];
  readonly #hubOf: (script: TabScript) => string | undefined;
  /** Hubs that have said that they are up, from the first to the last. */
  readonly #up: string[] = [];
  /** How often each realm has looked for a hub. */
  readonly #looks = new WeakMap<Realm, number>();
  /** Who hears now, over the channel of a tab, what is meant for another hub. */
  #stray: { readonly realm: Realm; readonly hub: string } | null = null;

  constructor(
    kernel: Kernel,
    scripts: () => readonly TabScript[],
    /** The id of the hub that a page is attached to. */
    hubOf: (script: TabScript) => string | undefined,
  ) {
    this.#kernel = kernel;
    this.#scripts = scripts;
    this.#hubOf = hubOf;
  }

  posted({ realm }: ChannelEnd, message: unknown): void {
    if ((message as Call).kind === 'connect') this.#looks.set(realm, this.#looksOf(realm) + 1);
    const hubId = idOfUp(message);
    if (hubId && !this.#up.includes(hubId)) this.#up.push(hubId);
  }

  heard({ realm }: ChannelEnd, message: unknown): void {
    const { hub, isUp } = message as Partial<ChannelMessage>;
    if (isUp && !isOf(realm, hub!)) {
      this.#stray = { realm, hub: hub! };
      this.#kernel.schedule(0, () => (this.#stray = null));
    }
    const hubId = idOfUp(message);
    const script = hubId && this.#scripts().find(({ page }) => page.realm === realm);
    if (script) this.#follows(script, hubId);
  }

  /** A page tells a hub something. */
  told(hub: Realm): void {
    must(this.#stray?.realm !== hub, 'a hub takes what is meant for it', () => {
      return `${hub.name} takes what is meant for ${this.#stray!.hub}`;
    });
  }

  /** A page that hears of a newer hub than its own lets that one go at once, unless it runs it. */
  #follows(script: TabScript, hubId: string): void {
    const { page } = script;
    const ownId = this.#hubOf(script);
    if (ownId === undefined || isOf(page.realm, ownId)) return;
    const own = this.#up.indexOf(ownId);
    if (own < 0 || own >= this.#up.indexOf(hubId)) return;
    const looks = this.#looksOf(page.realm);
    // A page in line for the lock has two ends, and the message comes to each at its own time.
    this.#kernel.schedule(simLimits.portMsMax, () => {
      // What the newer one said may have come late, so that the page is back already.
      const isKept = this.#hubOf(script) === ownId && this.#looksOf(page.realm) === looks;
      this.#kernel.guarded(() =>
        must(!isKept || !page.isActive, 'pages follow the newest hub', () => {
          return `${page.realm.name} keeps ${ownId} although ${hubId} is up`;
        }),
      );
    });
  }

  #looksOf(realm: Realm): number {
    return this.#looks.get(realm) ?? 0;
  }
}

/** The hub that says that it is up; an elected tab without an engine has none to name. */
function idOfUp(message: unknown): string | undefined {
  const call = message as Call;
  return call.kind === 'up' ? call.hubId : undefined;
}

/** Whether a hub runs in a realm, or in a worker of that. */
const isOf = (realm: Realm, hubId: string) => hubId.startsWith(`${realm.name}.`);
