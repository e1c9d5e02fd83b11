import { errorData } from '../../src/protocol/errors.ts';
import * as protocolLimits from '../../src/protocol/limits.ts';
import type { TraceContext } from '../../src/protocol/trace-context.ts';
import { fitsUtf8 } from '../../src/protocol/utf8.ts';
import type { Context } from './context.ts';
import type { Entry } from './store-types.ts';
import { stepConnection } from './hub-connection.ts';
import { abandonUploads, sendUploads } from './hub-uploads.ts';
import { say, tellError, type HubState, type Session } from './hub-state.ts';
import type { PresenceRequest } from './presences.ts';
import type { TopicRequest } from './topic-request.ts';

/** Puts into the session what it has room for: subscriptions, requests and entries. */
export function fillSession(hub: HubState, context: Context): void {
  const { session } = hub;
  if (!session) return;
  askTopics(hub, hub.topics.ask(), context.now);
  askPresences(hub, hub.presences.ask(), context.now);
  abandonUploads(hub, session, context.now);
  if (hub.connection.state === 'open' && !session.isCongested) {
    sendRequests(hub, session);
    sendEntries(hub, session, context.now);
    sendUploads(hub, session, context.now, room(session), tooLarge(session));
  }
  if (hub.connection.state === 'draining' && !hub.outbox.isAwaitingAck && !hub.requests.hasUnderWay) {
    stepConnection(hub, { kind: 'drained' }, context);
  }
}

/** Says to the server what the topics ask for; nothing while there is no session. */
export function askTopics(hub: HubState, requests: readonly TopicRequest[], now: number): void {
  if (!hub.session) return;
  for (const request of requests) {
    const { topic } = request;
    if (request.kind === 'unsubscribe') {
      say(hub, now, { type: 'unsubscribe', topic });
      continue;
    }
    const { id, replay, resume, partial, trace } = request;
    const from = resume ? { resume: partial ? { ...resume, partial } : resume } : { replay };
    say(hub, now, { type: 'subscribe', id, topic, ...traced(trace), ...from });
  }
}

/** Says to the server what the presence lists ask for; nothing while there is no session. */
export function askPresences(hub: HubState, requests: readonly PresenceRequest[], now: number): void {
  if (!hub.session) return;
  for (const request of requests) {
    const { topic } = request;
    if (request.kind === 'unwatch') say(hub, now, { type: 'unwatch', topic });
    else say(hub, now, { type: 'watch', id: request.id, topic, resumes: request.resumes });
  }
}

function sendRequests(hub: HubState, session: Session): void {
  for (const request of hub.requests.unsent()) {
    const { op, wireId, tabId } = request;
    if (!fits(op, session)) {
      hub.requests.settle(wireId);
      tellError(hub, tabId, op.id, tooLarge(session));
      continue;
    }
    request.wasSent = true;
    const { method, ts, timeoutMs, json, bytes, trace } = op;
    const head = { type: 'request', id: wireId, ts, method, timeoutMs, ...traced(trace) } as const;
    hub.outgoing.push({ head, json, bytes });
  }
}

function sendEntries(hub: HubState, session: Session, now: number): void {
  const whyNot = (entry: Entry) => (fits(entry, session) ? undefined : tooLarge(session));
  for (const entry of hub.outbox.take(session, now, whyNot)) {
    const { id, ts, seq, topic, json, bytes, large, trace } = entry;
    const head = { type: 'publish', id, ts, seq, topic, ...traced(trace) } as const;
    if (large) {
      const { blob, ...what } = large;
      hub.outgoing.push({ head: { ...head, payload: null, transfer: { id, size: blob.size, ...what } } });
    } else {
      hub.outgoing.push({ head, json, bytes });
    }
  }
}

/** A field that is there only where something is traced. */
const traced = (trace: TraceContext | undefined) => (trace ? { trace } : {});

/** Whether a payload goes into one frame, with room for the longest head that there can be. */
function fits(payload: { readonly json?: string; readonly bytes?: ArrayBuffer }, session: Session): boolean {
  const most = room(session);
  return payload.json === undefined ? (payload.bytes?.byteLength ?? 0) <= most : fitsUtf8(payload.json, most);
}

const room = ({ bounds }: Session): number => bounds.maxFrameBytes - protocolLimits.binaryHeaderBytes;

const tooLarge = ({ bounds }: Session) =>
  errorData('too-large', `the server takes frames of at most ${bounds.maxFrameBytes} bytes`);
