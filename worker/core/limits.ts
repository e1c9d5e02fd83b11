/** Every bound and default of the hub's core. */
export const coreLimits = {
  /** Batches to one tab that may be under way. */
  batchesUnderWay: 2,
  /** Messages in one batch to a tab, unless a single record holds more. */
  batchMessages: 4096,
  /** Characters of JSON, or bytes, of messages in one batch to a tab. */
  batchBytes: 1024 * 1024,
  /** Messages that the hub keeps of one topic. */
  tailMessages: 8192,
  /** Characters of JSON, or bytes, that the hub keeps of one topic. */
  tailBytes: 4 * 1024 * 1024,
  /** Messages that the server may send ahead of a `received`. */
  receiveWindow: 4096,
  /** Tabs at one hub. */
  tabs: 256,
  /** Subscriptions of one tab. */
  subscriptionsPerTab: 1024,
  /** Topics of all tabs together. */
  topics: 1024,
  /** Requests of all tabs that have no answer yet. */
  requests: 1024,
  /** Calls of `reconnect()` that wait for their outcome. */
  reconnectWaiters: 256,
  /** Entries encoded for one turn of the outbox. */
  entriesPerTurn: 1024,
  /** Tabs whose last tab sequence is remembered after they have gone. */
  rememberedTabs: 1024,
  /** How long after the last tab the socket stays, so that a reload finds it. */
  lingerMs: 1_000,
  /** How long a draining connection waits for acknowledgements. */
  drainMs: 5_000,
  /** Changes of counters are told to tabs at most this often; changes of state at once. */
  statusIntervalMs: 250,
} as const;
