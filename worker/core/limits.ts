// Every bound and default of the hub's core.
// Single constants, imported as a namespace, so that a minifier can put the numbers in their places.

/** Batches to one tab that may be under way. */
export const batchesUnderWay = 2;
/** Messages in one batch to a tab, unless a single record holds more. */
export const batchMessages = 1024;
/** Characters of JSON, or bytes, of messages in one batch to a tab. */
export const batchBytes = 1024 * 1024;
/** Messages that the hub keeps of one topic. */
export const tailMessages = 16_384;
/** Characters of JSON, or bytes, that the hub keeps of one topic. */
export const tailBytes = 4 * 1024 * 1024;
/** Bytes of large messages that the hub keeps of one topic. */
export const tailLargeBytes = 64 * 1024 * 1024;
/** What a large message counts among the bytes of a tail, and of a batch. */
export const largeRecordBytes = 1024;
/** Chunks of a large message that are joined at once. */
export const joinedChunks = 16;
/** Large entries whose content is under way at one time. */
export const uploads = 2;
/** When a transfer is offered again for which the server had no room. */
export const uploadRetryMs = 2_000;
/** Parts of a large payload after each of which its progress is told. */
export const progressSteps = 100;
/** Messages that the server may send ahead of a `received`. */
export const receiveWindow = 4096;
/** How long a tab may owe the answer to its batches before the others do not wait for it any more. */
export const stuckAfterMs = 1_000;
/** Tabs at one hub. */
export const tabs = 256;
/** Subscriptions of one tab. */
export const subscriptionsPerTab = 1024;
/** Topics of all tabs together. */
export const topics = 1024;
/** Presence lists of one tab, and of all tabs together. */
export const watchesPerTab = 256;
export const watches = 256;
/** Items that wait for a tab before signals to it are dropped, and changes of presence replaced by a list. */
export const waitingNews = 1024;
/** Requests of all tabs that have no answer yet. */
export const requests = 1024;
/** Calls of `reconnect()` that wait for their outcome. */
export const reconnectWaiters = 256;
/** Entries encoded for one turn of the outbox. */
export const entriesPerTurn = 1024;
/** Failed entries that the outbox holds on to, on top of as many as it has others. */
export const failedSlots = 64;
/** Tabs whose last tab sequence is remembered after they have gone. */
export const rememberedTabs = 1024;
/** Failed entries that are kept for tabs that attach again. */
export const keptFailures = 10_000;
/** How long a draining connection waits for acknowledgements. */
export const drainMs = 5_000;
/** How long a hub that outlives its tabs keeps the connection after the last one, so that a reload finds it open. */
export const lingerMs = 5_000;
/** How long it then waits for the outbox to be empty. */
export const lingerFlushMs = 30_000;
/** Changes of counters are told to tabs at most this often; changes of state at once. */
export const statusIntervalMs = 250;
/** Failures that wait for a commit of something else. */
export const unwrittenFailures = 1024;
/** How long positions that moved wait for a commit of something else. */
export const cursorDelayMs = 250;
/** Topics whose cursor is kept. */
export const cursors = 4096;
/** Calls that wait for the fate of an entry of another tab. */
export const followers = 1024;
/** The outbox looks for expired entries at most this often. */
export const expiryIntervalMs = 250;
/**
 * Bytes of entries under way before the first acknowledgement of a connection. Over a slow network a full window in one
 * frame would take longer than the heartbeat allows, again with each new connection, and nothing would ever get through.
 */
export const firstWindowBytes = 64 * 1024;
/** Where the doubling of that ends. */
export const windowBytesMax = 64 * 1024 * 1024;
/**
 * How long before its token expires the hub asks for the next one; half of what is left where that is less. Above the
 * server's `expiringMs`, so that a server need not say anything.
 */
export const refreshAheadMs = 60_000;
/** Between two tokens of one connection, however short they live and whatever the server says. */
export const refreshMinMs = 1_000;
/** Transfers of failed entries that the next connection gives up. */
export const abandonedTransfers = 64;
