import { hubApiVersion } from './core/hub-api.ts';

/**
 * The names by which the tabs and hubs of one origin find each other. `hubName` is `onesocket:<name>`, followed by `#`
 * and the encoded identity where there is one; it also names the database, and the channel where hubs are looked for.
 */

/**
 * Of the worker. The version is in it because a browser gives a tab the worker that runs under a URL and a name, whatever
 * build it is from: tabs that speak another version than that one get a worker of their own, which waits for the lock.
 * `life` has another reason: in Firefox no worker answers under the name of one whose process was killed. And one that is
 * for its tab alone has to know that.
 */
export const workerName = (hubName: string, life = 0, isAlone = false): string =>
  `${hubName}@${hubApiVersion}${life > 0 ? `~${life}` : ''}${isAlone ? aloneMark : ''}`;

const aloneMark = '!';

/** Whether the worker of this name is for its tab alone. */
export const isForOneTab = (worker: string): boolean => worker.endsWith(aloneMark);

/** The hub's name in that of its worker. */
export const hubNameOf = (worker: string): string => worker.slice(0, worker.lastIndexOf('@'));

/** The channel between one tab and the hub, where there is no port. */
export const tabChannel = (hubName: string, tabId: string): string => `${hubName}:${tabId}`;

/** Held by the hub: whoever has it is the hub. */
export const hubLock = (hubName: string): string => `${hubName}:hub`;

/** Held by one hub for its lifetime: free means that it is dead. */
export const hubLifeLock = (hubName: string, hubId: string): string => `${hubName}:hub:${hubId}`;

/**
 * Held by one tab from one attachment after its load, or its return from the back/forward cache, to its leaving: free means
 * that it has gone. `stay` counts these.
 */
export const tabLock = (hubName: string, tabId: string, stay: number): string =>
  `${hubName}:tab:${tabId}:${stay}`;
