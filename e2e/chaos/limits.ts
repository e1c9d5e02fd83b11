/** Tabs that are open while nothing is wrong. */
export const tabs = 5;

/** Topics that each tab publishes to and subscribes to. */
export const topics = 4;

/** Time between two entries of one tab, on average. */
export const publishEveryMs = 50;

/** Entries of a page without a fate above which it publishes no more until some have one. */
export const pendingMax = 300;

/** Entries that a page publishes at once now and then. */
export const burst = 40;

/** Entries of a page from one large one to the next, at least and at most: about 3 to 6 seconds. */
export const largeEvery = [80, 160] as const;

/** Characters of a large entry, at least and at most; each has 1.1 bytes. None fits into one frame. */
export const largeLength = [64_000, 1_800_000] as const;

/** Large entries of a page that are planned; then they come again. */
export const largeShapes = 32;

/**
 * Minutes of a run up to which large entries come that often. In a longer one they are rarer, so that the server, which has
 * its history in memory as well, never keeps more than about 3 GB.
 */
export const largeMinutesMax = 60;

/** How long nothing may be stored, and nothing acknowledged, with no fault under way. */
export const idleMsMax = 30_000;

/** How long everything may take to arrive once the faults are over. */
export const drainMsMax = 40_000;

/** How long the last messages may take to every page after that. */
export const seenMsMax = 10_000;

/** How long two connections of one client may overlap: the close handshake of the older one. */
export const overlapMsMax = 6_000;

/** How long a page may take to read the large messages that it has seen, at the end. */
export const checkedMsMax = 10_000;

/** How long opening or loading a page may take before it counts as stuck. */
export const stepMsMax = 20_000;

/** How long a fault may take to begin, or to end, before the run goes on without waiting for it. */
export const faultMsMax = 60_000;

/** How long a page may take to answer before it counts as dead. */
export const answerMsMax = 5_000;

/** Workers that a page starts to show its process: so many that no hub, and no coincidence, starts them at once. */
export const markerWorkers = 3;

/** How long a frozen leader may keep the hub lock: by itself 6 seconds, and more where candidates of late have stolen it. */
export const stealMsMax = 9_000;

/** How long pages look for somebody else who has the hub lock. */
export const freezeMsMax = 15_000;

/** Time between two looks at who holds the hub lock. */
export const leaderPollMs = 100;

/** How long the browser may take to start. */
export const browserStartMsMax = 30_000;

/** Messages in one answer of the server process to a read of its record. */
export const readMessages = 5_000;

/** Messages that the server keeps per topic: more than a run can make, so that its record is whole. */
export const historyMessages = 10_000_000;

/** Bytes that the server keeps per topic, and in all. */
export const historyBytes = 4 * 1024 ** 3;

/** Bytes per second in each direction: little enough that faults come while large contents are on their way. */
export const bytesPerSecond = 2 * 1024 ** 2;

/** Time that bytes may be ahead of that before they wait: timers are no more exact. */
export const aheadMsMax = 5;

/** Bytes per second to which halving never falls short. */
export const bytesPerSecondMin = 1_000;

/** Entries whose story a failure tells. */
export const storiesTold = 5;

/** Faults that a failure lists before the entry's own time. */
export const faultsTold = 8;
