import { electionMutants } from './election-mutants.mjs';
import { transferMutants } from './transfer-mutants.mjs';

/**
 * Deliberate mistakes, each of which the checkers must find within a few hundred seeds: what no mutant proves to be
 * checked may as well not be checked. `find` stands exactly once in its file. Where two places keep the same promise,
 * both are broken. Not here: the server's own check of sequences and leases, which takes two servers at one backbone
 * to matter; server/backbone-conformance.ts has it.
 */
export const mutants = [
  {
    name: 'the server forgets the last sequence when a client comes back',
    edits: [
      {
        file: 'server/client-records.ts',
        find: 'record.lastSeq = Math.max(record.lastSeq, acked);',
        replace: 'record.lastSeq = acked;',
      },
    ],
  },
  {
    name: 'the server accepts an older epoch',
    seeds: 4000,
    edits: [{ file: 'server/client-records.ts', find: 'if (epoch < record.epoch)', replace: 'if (false)' }],
  },
  {
    name: 'the server acknowledges one sequence too many',
    edits: [{ file: 'server/outbound.ts', find: 'this.#ack = seq;', replace: 'this.#ack = seq + 1;' }],
  },
  {
    name: 'neither server nor hub tells of a gap in the history',
    edits: [
      {
        file: 'server/pump.ts',
        find: 'if (cursor.gap) this.#sendGap(cursor, cursor.gap);',
        replace: 'cursor.gap = undefined;',
      },
      {
        file: 'worker/core/topics.ts',
        find: 'if (!isSameEpoch || known < 0) {',
        replace: 'if (!isSameEpoch) {',
      },
    ],
  },
  {
    name: 'the server knows no window',
    edits: [
      {
        file: 'server/pump.ts',
        find: 'return this.#owner.window - (this.#sent - this.#received);',
        replace: 'return Infinity;',
      },
    ],
  },
  {
    name: 'the store does not check the epoch',
    edits: [
      {
        file: 'worker/store/indexed-db-log.ts',
        find: 'if (client && (client[0] !== clientId || (await currentEpoch(tx, client)) !== clientEpoch)) return null;',
        replace: '',
      },
    ],
  },
  {
    name: 'the store settles before the transaction',
    edits: [{ file: 'worker/store/database.ts', find: 'await tx.done;', replace: '' }],
  },
  {
    name: 'the store does not load its entries',
    edits: [
      {
        file: 'worker/store/load.ts',
        find: 'for (const entry of decoded) if (entry.seq > acked) entries.push(entry);',
        replace: '',
      },
    ],
  },
  {
    name: 'the store begins its sequences without the epoch',
    edits: [
      {
        file: 'worker/store/load.ts',
        find: 'lastSeq: Math.max(client[3], clientEpoch * storeLimits.epochSequences),',
        replace: 'lastSeq: client[3],',
      },
    ],
  },
  {
    name: 'the store does not keep failures',
    edits: [
      {
        file: 'worker/store/write.ts',
        find: 'if (failures.length === 0) return before;',
        replace: 'if (failures.length >= 0) return before;',
      },
    ],
  },
  {
    name: 'the hub ignores that it was fenced',
    edits: [
      { file: 'worker/hub-host.ts', find: 'onFenced: () => this.end(),', replace: 'onFenced: () => {},' },
    ],
  },
  {
    name: 'the hub tells stored before the commit',
    edits: [
      {
        file: 'worker/hub-host.ts',
        find: 'await this.#world.store.commit(change);',
        replace: 'void this.#world.store.commit(change);',
      },
    ],
  },
  {
    name: 'the hub sends what is not stored',
    edits: [
      {
        file: 'worker/core/outbox.ts',
        find: '(slot.entry.seq > this.#stored && !slot.isVolatile)',
        replace: 'false',
      },
    ],
  },
  {
    name: 'tab and hub forget what the hub has taken',
    edits: [
      {
        file: 'worker/core/hub-outbox.ts',
        find: 'if (op.tabSeq <= hub.outbox.lastTabSeq(tabId)) return;',
        replace: '',
      },
      {
        file: 'src/deliveries.ts',
        find: '.filter((op) => op.tabSeq > takenUpTo),',
        replace: '.filter(() => takenUpTo >= 0),',
      },
    ],
  },
  {
    name: 'the hub does not send again after a break',
    edits: [
      {
        file: 'worker/core/outbox.ts',
        find: 'this.#slots.rewind(this.#acked);',
        replace: '',
      },
    ],
  },
  {
    name: 'the hub takes an acknowledgement for one entry more',
    edits: [
      {
        file: 'worker/core/outbox.ts',
        find: 'const through = Math.min(seq, this.#slots.seq);',
        replace: 'const through = Math.min(seq + 1, this.#slots.seq);',
      },
    ],
  },
  {
    name: 'the hub ignores a nack',
    edits: [
      {
        file: 'worker/core/hub-session.ts',
        find: 'return takeNack(hub, envelope.seq, envelope.payload);',
        replace: 'return;',
      },
    ],
  },
  {
    name: 'the hub forgets where it was in a topic',
    edits: [
      {
        file: 'worker/core/topics.ts',
        find: 'const resume = topic.cursor ?? oldestSince(topic);',
        replace: 'const resume = null;',
      },
    ],
  },
  {
    name: 'the hub does not subscribe again after a break',
    edits: [
      {
        file: 'worker/core/topics.ts',
        find: "for (const topic of this.#topics.values()) topic.wire = { state: 'wanted' };",
        replace: '',
      },
    ],
  },
  {
    name: 'the tab takes what its subscription has skipped',
    edits: [
      {
        file: 'src/feed.ts',
        find: 'return item.skip ? messages.slice(item.skip) : messages;',
        replace: 'return messages;',
      },
    ],
  },
  {
    name: 'the hub resets its attempts at once',
    edits: [
      {
        file: 'worker/core/connection.ts',
        find: "state: { state: 'open', dial, attempt },",
        replace: "state: { state: 'open', dial, attempt: 0 },",
      },
    ],
  },
  {
    name: 'the hub does not wait between attempts',
    edits: [
      {
        file: 'worker/core/backoff.ts',
        find: 'return Math.min(policy.maxMs, policy.baseMs * 2 ** attempt) * (0.5 + random);',
        replace: 'return policy.baseMs * random;',
      },
    ],
  },
  {
    name: 'the hub has no bound for its outbox',
    edits: [
      {
        file: 'worker/core/outbox-room.ts',
        find: 'slots.entries + held.entries + entries <= maxEntries &&',
        replace: '',
      },
    ],
  },
  {
    name: 'the hub cancels what it has sent',
    edits: [
      {
        file: 'worker/core/outbox.ts',
        find: 'if (seq <= this.#slots.sent) return false;\n    this.fail',
        replace: 'if (seq === 0) return false;\n    this.fail',
      },
    ],
  },
  {
    name: 'the hub expires what it has sent',
    edits: [
      {
        file: 'worker/core/outbox.ts',
        find: 'if (!isHeld && entry.seq <= this.#slots.sent) return false;',
        replace: '',
      },
    ],
  },
  {
    name: 'the hub keeps cursors ahead of its tabs',
    edits: [
      {
        file: 'worker/core/hub.ts',
        find: 'hub.journal.cursor(topic.name, position);',
        replace: 'hub.journal.cursor(topic.name, { ...position, offset: position.offset + 1 });',
      },
    ],
  },
  {
    name: 'the tab does not send again to another hub',
    edits: [
      {
        file: 'src/deliveries.ts',
        find: 'Array.from(pending.values(), ({ op }) => op).filter((op) => op.tabSeq > takenUpTo),',
        replace: 'Array.from(pending.values(), ({ op }) => op).filter(() => takenUpTo < 0),',
      },
    ],
  },
  {
    name: 'the tab does not watch the life of its hub',
    edits: [
      {
        file: 'src/hub-link.ts',
        find: 'if (world.locks && reply.lifeLock) {',
        replace: 'if (reply.kind.length === 0 && world.locks && reply.lifeLock) {',
      },
    ],
  },
  {
    name: 'the tab begins a subscription anew at another hub',
    edits: [
      {
        file: 'src/subscription.ts',
        find: 'since: { epoch: position.epoch, offset: position.offset }',
        replace: 'since: undefined',
      },
    ],
  },
  ...transferMutants,
  ...electionMutants,
];
