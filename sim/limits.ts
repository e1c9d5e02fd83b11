// Every bound of the simulation.

/** Events per turn of Node's own loop. */
export const eventsPerTurn = 64;
/** Events that the timeline of a violation shows. */
export const timelineLines = 160;
/** The same where one seed alone is run. */
export const timelineLinesAlone = 100_000;
/** Characters of an event's detail. */
export const detailLength = 220;
/** How long the browser takes to grant a lock that is free. */
export const lockMsMax = 2;
/** How long the browser takes to release the locks of what has died. */
export const deathMsMin = 7;
export const deathMsMax = 40;
/** How long a server waits for the answer to its close frame. */
export const closeTimeoutMs = 2_000;
/** How often a hub looks at a socket that is congested. */
export const bufferPollMs = 20;
/** After what time an operating system gives up a connection that nobody answers. */
export const connectTimeoutMs = 75_000;
/** The wall clock when a simulation begins. */
export const epochMs = 1_700_000_000_000;
/** The longest delay that a server asks for when it goes, and what it takes to end. */
export const goAwayMsMax = 2_000;
/** What the slow request takes. */
export const slowMs = 3_000;
/** What a step of a disk takes, and when the operating system writes at the latest what was not flushed. */
export const diskMsMin = 0.3;
export const diskMsMax = 6;
export const flushMsMax = 900;
/**
 * Sizes of contents: on either side of a chunk, the quotes of a JSON text counted in, and of many. In bytes; the letter
 * changes with each block.
 */
export const contentSizes = [0, 10, 65_534, 65_535, 65_536, 65_537, 100_000, 131_072, 200_000, 300_000];
export const contentBlock = 4096;
/** What the operating system takes of a server's frames at once. */
export const kernelBytes = 1500;
/** What waits in a server's socket on top of its bound: answers, and the frame that reached it. */
export const answerBytes = 400_000;
/** What reading from a Blob takes at most. */
export const blobMsMax = 8;
/** What a message takes through a port. */
export const portMsMin = 0.02;
export const portMsMax = 2;
/** What the script of a worker takes to load. */
export const loadMsMin = 2;
export const loadMsMax = 80;
/** How long the name of a dead worker still leads to it. */
export const corpseMsMax = 120;
/** How long a worker outlives its last page. */
export const lastPageMsMax = 30;
/** The timers of a hidden page. */
export const hiddenTickMs = 1_000;
/** How late a status may tell that the outbox is in memory. */
export const statusGraceMs = 600;
/** Within what time everything must be well once faults have ended: the longest waits of a plan, one after the other. */
export const restMs = 240_000;
/** How often it is looked whether it is. */
export const lookMs = 250;
/** How often a page says that it is online while things come to rest: a hub that has given up waits for that. */
export const wakeMs = 15_000;
/** Seeds of a run that does not say how many. */
export const seeds = 200;
/** How often somebody who wants to open a page looks whether the computer is awake. */
export const asleepMs = 500;
/** Within what time a page must have heard that its hub is dead. */
export const mourningMs = 3_000;
/** How long tabs of another version are given to find that they have to wait. */
export const waitingMs = 60_000;
/** How long a worker outlives its last page where it may (`extendedLifetime`). */
export const lingerMsMax = 90_000;
/** Ends of channels that one page or worker may have open. */
export const channelsMax = 64;
/** Whoever has run the hub for so long has answered a question by now. */
export const answerMsMax = 3_000;
/**
 * Within what time every page must have found its hub once nothing begins, stops or ends any more: a frozen hub is stolen
 * from within 6 s, a hidden page has one timer per second, and the channel is asked anew twice per second.
 */
export const attachMsMax = 12_000;
/** Within what time a frozen hub is stolen from, by a hidden page as well. */
export const stealMsMax = 13_000;
/** What it may take longer where hosts stay silent: the SharedWorker for 9.3 s, and an engine for 10 s. */
export const silentMsMax = 20_000;
/** What it may take longer where somebody has stolen the lock before: the next steal of the same comes no sooner. */
export const stealPauseMs = 32_000;
/** How often it is looked whether pages have found their hub. */
export const attachLookMs = 1_000;
