import { errorData, type ErrorData } from '../../src/protocol/errors.ts';
import * as protocolLimits from '../../src/protocol/limits.ts';
import type { ServerMessage } from '../../src/protocol/schema.ts';
import { markCounters, say, stamped, startOnce, type HubState, type Session } from './hub-state.ts';
import type { HubInput } from './hub-types.ts';
import * as coreLimits from './limits.ts';
import type { Upload } from './uploads.ts';

/** Gives up the transfers of entries that have failed. */
export function abandonUploads(hub: HubState, { hasChunks }: Session, now: number): void {
  hub.uploads.dropEnded();
  for (const transfer of hub.outbox.held.takeAbandoned()) {
    if (hasChunks) say(hub, now, { type: 'abandon', transfer });
  }
}

/** Offers large entries, and asks for as many parts of them as may be under way. */
export function sendUploads(
  hub: HubState,
  session: Session,
  now: number,
  room: number,
  tooLarge: ErrorData,
): void {
  const { uploads } = hub;
  for (const upload of uploads.whole()) finish(hub, upload);
  for (const slot of hub.outbox.held.uploadable(hub.outbox.storedSeq)) {
    if (!uploads.mayBegin(slot)) continue;
    const { id, topic, large } = slot.entry;
    const { size } = large!.blob;
    if (!session.hasChunks) {
      if (size > room) hub.outbox.failSlot(slot, tooLarge);
      else if (size === 0) sendWhole(hub, uploads.begin(slot, null), new ArrayBuffer(0));
      else read(hub, session.dial, uploads.begin(slot, null), size);
      continue;
    }
    const offer = stamped(hub, now, { type: 'offer', topic, transfer: id, size });
    hub.outgoing.push({ head: offer });
    uploads.begin(slot, offer.id);
  }
  if (!session.hasChunks) return;
  for (const upload of uploads.nextReads()) read(hub, session.dial, upload, protocolLimits.chunkBytes);
}

function read(hub: HubState, dial: number, upload: Upload, bytes: number): void {
  const { id, large } = upload.slot.entry;
  const at = upload.sent;
  upload.isReading = true;
  const end = Math.min(upload.size, at + bytes);
  hub.effects.push({ kind: 'read-chunk', dial, transfer: id, content: large!.blob, at, end });
}

/** A part was read: it goes to the server, unless it has come too late for its connection. */
export function takeChunkRead(
  hub: HubState,
  { dial, transfer, at, bytes }: Extract<HubInput, { kind: 'chunk-read' }>,
  now: number,
): void {
  const { session, uploads } = hub;
  const upload = session?.dial === dial ? uploads.get(transfer) : undefined;
  if (!upload?.isReading || at !== upload.sent || upload.slot.state !== 'live') return;
  upload.isReading = false;
  if (!bytes || bytes.byteLength === 0) {
    const error = errorData('invalid-payload', 'the content cannot be read any more');
    return hub.outbox.failSlot(upload.slot, error);
  }
  if (upload.offerId === null) return sendWhole(hub, upload, bytes);
  upload.sent += bytes.byteLength;
  hub.outgoing.push({ head: { type: 'chunk', id: transfer, ts: now, transfer, at }, bytes });
}

const utf8 = new TextDecoder();

/** A server without chunks gets the content with the entry. */
function sendWhole(hub: HubState, { slot }: Upload, bytes: ArrayBuffer): void {
  const { id, large } = slot.entry;
  hub.uploads.end(id);
  if (!hub.outbox.held.mayRelease(slot)) return;
  hub.outbox.held.release(slot, large!.form === 'json' ? { json: utf8.decode(bytes) } : { bytes });
}

/** The server has said how much of a transfer it has. */
export function takeChunkAck(hub: HubState, { transfer, received }: ServerMessage<'chunk-ack'>): void {
  const upload = hub.uploads.get(transfer);
  if (!upload || upload.isDone || upload.slot.state !== 'live' || received > upload.size) return;
  if (upload.received === null) upload.sent = received;
  upload.slot.isUploading = true;
  upload.received = Math.min(received, upload.sent);
  tellProgress(hub, upload, upload.received);
  if (upload.received === upload.size) finish(hub, upload);
}

/** The server has the whole content: the entry goes into the log, or waits until it may. */
function finish(hub: HubState, upload: Upload): void {
  if (!hub.outbox.held.mayRelease(upload.slot)) return;
  upload.isDone = true;
  upload.slot = hub.outbox.held.release(upload.slot);
  markCounters(hub);
}

/** The server has refused to take a transfer; later, or for good. False if the refusal is of something else. */
export function takeRefusal(hub: HubState, offerId: string, error: ErrorData): boolean {
  const upload = hub.uploads.refused(offerId, error.retryable);
  if (!upload) return false;
  if (error.retryable) startOnce(hub, 'uploads', coreLimits.uploadRetryMs);
  else hub.outbox.failSlot(upload.slot, error);
  return true;
}

/** Tells the tab that published it, now and then. */
function tellProgress(hub: HubState, upload: Upload, received: number): void {
  const { slot, size, toldRatio } = upload;
  const ratio = size === 0 ? 1 : received / size;
  if (ratio === 0 || (ratio < 1 && ratio < toldRatio + 1 / coreLimits.progressSteps)) return;
  upload.toldRatio = ratio;
  hub.tabs.get(slot.entry.tabId)?.uploads.set(slot.entry.tabSeq, ratio);
}
