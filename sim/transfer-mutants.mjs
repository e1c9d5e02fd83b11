/** Mistakes in what large payloads and bounds are about. */
export const transferMutants = [
  {
    name: 'the hub begins an upload anew that the server has in part',
    edits: [
      {
        file: 'worker/core/hub-uploads.ts',
        find: 'if (upload.received === null) upload.sent = received;',
        replace: '',
      },
    ],
  },
  {
    name: 'neither hub nor server checks where a chunk belongs',
    edits: [
      {
        file: 'worker/core/hub-uploads.ts',
        find: 'if (upload.received === null) upload.sent = received;',
        replace: '',
      },
      {
        file: 'server/uploads.ts',
        find: 'if (at !== transfer.received || expected === 0 || payload.byteLength !== expected)',
        replace: 'if (expected < 0)',
      },
    ],
  },
  {
    name: 'the server begins a download anew that the hub has in part',
    edits: [
      {
        file: 'server/downloads.ts',
        find: 'const sent = received > size ? 0 : received;',
        replace: 'const sent = Math.min(0, received);',
      },
    ],
  },
  {
    name: 'the hub begins a download anew after a break',
    edits: [
      {
        file: 'worker/core/topics.ts',
        find: 'if (cursor && download?.follows(cursor)) {',
        replace: 'if (cursor && download?.follows(cursor) && download.received < 0) {',
      },
    ],
  },
  {
    name: 'the store keeps what is held no more',
    edits: [
      {
        file: 'worker/store/write.ts',
        find: "for (const seq of change.heldRemoved) unheard(tx.objectStore('held').delete(seq));",
        replace: '',
      },
    ],
  },
  {
    name: 'the store does not load what is held',
    edits: [
      {
        file: 'worker/store/load.ts',
        find: 'return entry ? held.push(entry) > 0 : false;',
        replace: 'return !!entry;',
      },
    ],
  },
  {
    name: 'the server keeps the content of what it has published',
    edits: [
      {
        file: 'server/publish-lane.ts',
        find: "if (transfer && kind !== 'fenced') this.#owner.uploads.drop(transfer.id);",
        replace: '',
      },
    ],
  },
  {
    name: 'the hub does not tell the server what it gives up',
    edits: [
      {
        file: 'worker/core/hub-uploads.ts',
        find: "if (hasChunks) say(hub, now, { type: 'abandon', transfer });",
        replace: 'void transfer;',
      },
    ],
  },
  {
    name: 'the server forgets what has come when the client goes',
    edits: [
      {
        file: 'server/transfer-store.ts',
        find: 'if (received === 0) this.drop(key, id);',
        replace: 'if (received >= 0) this.drop(key, id);',
      },
    ],
  },
  {
    name: 'the hub lets small entries pass large ones of their topic',
    edits: [
      {
        file: 'worker/core/outbox.ts',
        find: 'if (entry.large || this.held.has(entry.topic)) {',
        replace: 'if (entry.large) {',
      },
    ],
  },
  {
    name: 'the hub has no bound for its chunks',
    edits: [
      {
        file: 'worker/core/uploads.ts',
        find: '.slice(0, Math.max(0, protocolLimits.chunksUnderWay - underWay));',
        replace: '.slice(Math.min(0, underWay));',
      },
    ],
  },
  {
    name: 'the hub has no bound for its uploads',
    edits: [
      { file: 'worker/core/uploads.ts', find: 'coreLimits.uploads;', replace: '16 * coreLimits.uploads;' },
    ],
  },
  {
    name: 'the server has no bound for its chunks',
    edits: [
      {
        file: 'server/downloads.ts',
        find: 'return protocolLimits.chunksUnderWay - this.#unacknowledged - this.#reading.size;',
        replace: 'return Infinity;',
      },
    ],
  },
  {
    name: 'the hub has no bound for its batches',
    edits: [
      {
        file: 'worker/core/batch-window.ts',
        find: 'window.sent - window.taken < window.limit',
        replace: 'window.sent - window.taken < 8 * window.limit',
      },
    ],
  },
  {
    name: 'the tab has no bound for its batches',
    edits: [
      {
        file: 'src/op-queue.ts',
        find: 'ops.length > 0 && underWay < tabLimits.batchesUnderWay',
        replace: 'ops.length > 0',
      },
    ],
  },
  {
    name: 'the tab answers a batch before those ahead of it',
    edits: [
      {
        file: 'src/batch-line.ts',
        find: 'if (!tail && reads.length === 0) return answer();',
        replace: 'if (reads.length === 0) return answer();',
      },
    ],
  },
  {
    name: 'tab and hub let any number of entries wait for room',
    edits: [
      {
        file: 'src/deliveries.ts',
        find: 'pending.size < maxPending ? null',
        replace: 'pending.size < Infinity ? null',
      },
      {
        file: 'worker/core/blocked.ts',
        find: 'if (line.length >= this.#maxPerTab) return false;',
        replace: '',
      },
    ],
  },
  {
    name: 'the hub sends more than the window of the server',
    edits: [
      {
        file: 'worker/core/outbox.ts',
        find: 'Math.min(window - this.#slots.underWay, coreLimits.entriesPerTurn)',
        replace: 'Math.max(window, coreLimits.entriesPerTurn)',
      },
    ],
  },
  {
    name: 'a history has no bound',
    edits: [{ file: 'server/topic-history.ts', find: 'this.#trim(this.#bounds, 1);', replace: '' }],
  },
  {
    name: 'a tail has no bound',
    edits: [
      {
        file: 'worker/core/topic-tail.ts',
        find: '(this.#end - this.begin > coreLimits.tailMessages ||',
        replace: '(this.#end - this.begin > Infinity ||',
      },
    ],
  },
  {
    name: 'requests have no bound',
    edits: [
      {
        file: 'worker/core/requests.ts',
        find: 'if (this.#byWireId.size >= coreLimits.requests) {',
        replace: 'if (this.#byWireId.size >= Infinity) {',
      },
    ],
  },
  {
    name: 'the outbox has no bound in bytes',
    edits: [
      {
        file: 'worker/core/outbox-room.ts',
        find: 'slots.bytes + held.bytes + bytes <= maxBytes',
        replace: 'slots.bytes + held.bytes <= maxBytes',
      },
    ],
  },
  {
    name: 'the server has no bound for transfers',
    edits: [
      {
        file: 'server/transfer-store.ts',
        find: 'if (byId.size >= transfers) return noTransfer;',
        replace: '',
      },
    ],
  },
];
