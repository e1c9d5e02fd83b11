/**
 * Property names of the hub's own state, which never cross a port or the wire: shortened in the worker, they save
 * 4 % of its compressed size. A test checks that none of them stands in a contract or on a built-in object.
 */
export const internalHubNames: readonly string[] = `
  credentials pending limit closed frame store fail append begin config ready requests activeOrder after answers asked bounds clock confirmed congestion connection cursor dial
  delayMs dropTab effects entry envelopeCount envelopes expire expiryAt failLargestUnderWay
  fates forget hasUnderWay heardAt heartbeatPolicy ids indexAfter isAwaitingAck isCongested isServerDelay isServerDelay
  lastTabSeq lost nextAt opened outbox outgoing paused pendingTimers place placeAfter reconnecting
  recordAt refused retryAt sent sentAt seqs serve session sessionLost settle tabSeqs socket
  statusIsDirty stored subscriptions tabIds tail taken takenAt tellFate through ticks
  timer tokenSources toldReceived touch unsent unwatch wakenBy wasSent watchTabLock wire wireId
`
  .trim()
  .split(/\s+/);

/** The same for the tab: names that neither its API nor a port nor a browser has. */
export const internalTabNames: readonly string[] = `
  after allStored answer api attached calls deliveries detached drop ended hidden hub hubLost leave lost
  messages promise pushed read reply restored resume resumeOp subscriptions take takeEarly update wake wasPushed
`
  .trim()
  .split(/\s+/);
