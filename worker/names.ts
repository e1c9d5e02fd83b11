/**
 * The names by which the tabs and hubs of one origin find each other. `hubName` is `onesocket:<name>`, followed by `#`
 * and the encoded identity where there is one; it also names the SharedWorker and the database.
 */

/** Held by the hub: whoever has it is the hub. */
export const hubLock = (hubName: string): string => `${hubName}:hub`;

/** Held by one hub for its lifetime: free means that it is dead. */
export const hubLifeLock = (hubName: string, hubId: string): string => `${hubName}:hub:${hubId}`;

/** Held by one tab for its lifetime: free means that it has gone. */
export const tabLock = (hubName: string, tabId: string): string => `${hubName}:tab:${tabId}`;
