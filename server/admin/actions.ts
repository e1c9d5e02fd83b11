import * as closeCodes from '../../src/protocol/close-codes.ts';
import { timerMsMax } from '../clock.ts';
import type { Connection, Connections } from '../connections.ts';
import type { ServerContext } from '../context.ts';
import { addressKey } from '../gate/address.ts';
import type { Ban, BanTarget } from '../gate/bans.ts';
import * as serverLimits from '../limits.ts';
import { badRequest } from './admin-error.ts';

/** What actions work on. */
export interface AdminTarget {
  readonly context: ServerContext;
  readonly connections: Connections;
  readonly publish: (
    topic: string,
    payload: unknown,
  ) => Promise<{ readonly epoch: string; readonly offset: number }>;
  readonly drain: (withinMs: number) => Promise<void>;
}

/** What a request asks for: the fields of its body, or of its query. */
export type AdminInput = Readonly<Record<string, unknown>>;

/** An action that was understood. */
interface Prepared {
  /** For the audit log: whom or what it concerns. */
  readonly details: Readonly<Record<string, unknown>>;
  /** Carries it out. What it gives is the answer. */
  readonly run: () => Promise<object> | object;
}

/** One action of the admin interface. */
export interface AdminAction {
  readonly method: 'GET' | 'POST';
  /** Throws an `AdminError` where the input makes no sense. */
  readonly prepare: (input: AdminInput, target: AdminTarget) => Prepared;
}

/** All actions by name, which is also the last part of the path. */
export const adminActions: ReadonlyMap<string, AdminAction> = new Map<string, AdminAction>([
  ['connections', { method: 'GET', prepare: listConnections }],
  ['bans', { method: 'GET', prepare: listBans }],
  ['kick', { method: 'POST', prepare: kick }],
  ['ban', { method: 'POST', prepare: ban }],
  ['unban', { method: 'POST', prepare: unban }],
  ['broadcast', { method: 'POST', prepare: broadcast }],
  ['drain', { method: 'POST', prepare: drain }],
]);

function listConnections(input: AdminInput, { connections }: AdminTarget): Prepared {
  const limit = integer(input, 'limit', serverLimits.adminPage.normal, serverLimits.adminPage.max);
  const after = integer(input, 'after', 0);
  const target = hasTarget(input) ? targetOf(input) : undefined;
  const run = () => {
    const all = target ? connections.of(target) : connections.all;
    const page = all.filter(({ id }) => id > after).slice(0, limit + 1);
    const shown = page.slice(0, limit);
    return {
      connections: shown.map(shownConnection),
      next: page.length > limit ? String(shown.at(-1)!.id) : null,
    };
  };
  return { details: { ...target, after, limit }, run };
}

function shownConnection({ id, session, transport, address, since }: Connection): object {
  const { opened } = session;
  return {
    id: String(id),
    identity: session.identity ?? null,
    clientId: opened?.client.clientId ?? null,
    address: address ?? null,
    since: new Date(since).toISOString(),
    subscriptions: opened?.subscriptions ?? 0,
    bytesRead: transport.bytesRead,
    bytesWritten: transport.bytesWritten,
    rttMs: transport.rttMs ?? null,
  };
}

function listBans(input: AdminInput, { context }: AdminTarget): Prepared {
  const limit = integer(input, 'limit', serverLimits.adminPage.normal, serverLimits.adminPage.max);
  const skip = integer(input, 'skip', 0);
  const run = () => {
    const bans = context.gatekeeper.bans();
    return { bans: bans.slice(skip, skip + limit).map(shownBan), total: bans.length };
  };
  return { details: { skip, limit }, run };
}

const shownBan = ({ kind, value, until, reason, by }: Ban): object => ({
  [kind]: value,
  until: new Date(until).toISOString(),
  reason,
  by,
});

function kick(input: AdminInput, { connections }: AdminTarget): Prepared {
  const { id } = input;
  const target = id === undefined ? targetOf(input) : undefined;
  if (id !== undefined && (typeof id !== 'string' || hasTarget(input)))
    throw badRequest('name one of id, address and identity, as a string');
  const run = () => {
    const kicked = target ? connections.of(target) : connections.all.filter((each) => String(each.id) === id);
    for (const { session } of kicked) session.dismiss(closeCodes.tryAgainLater, 'ended by an operator');
    return { closed: kicked.length };
  };
  return { details: target ? { ...target } : { id }, run };
}

function ban(input: AdminInput, { context, connections }: AdminTarget): Prepared {
  const target = targetOf(input);
  const forMs = integer(input, 'forMs', context.limits.banMs, timerMsMax);
  const { reason = 'by an operator' } = input;
  if (typeof reason !== 'string' || reason === '' || reason.length > serverLimits.banReasonLength)
    throw badRequest(`reason has 1 to ${serverLimits.banReasonLength} characters`);
  if (forMs === 0) throw badRequest('forMs is at least 1');
  const run = () => {
    const made: Ban = { ...target, until: context.clock.now() + forMs, reason, by: 'admin' };
    const closed = connections.of(target).length;
    context.gatekeeper.ban(made);
    return { ban: shownBan(made), closed };
  };
  return { details: { ...target, forMs, reason }, run };
}

function unban(input: AdminInput, { context }: AdminTarget): Prepared {
  const target = targetOf(input);
  return { details: { ...target }, run: () => ({ lifted: context.gatekeeper.unban(target) }) };
}

/**
 * Publishes to a topic: so it has an offset, reaches whoever comes back later, and is seen once by each, like every other
 * message. To reach all, let all subscribe to one topic.
 */
function broadcast(input: AdminInput, { publish }: AdminTarget): Prepared {
  const { topic, payload } = input;
  if (typeof topic !== 'string') throw badRequest('topic has to be a string');
  if (payload === undefined) throw badRequest('payload is missing');
  return { details: { topic }, run: async () => ({ topic, ...(await publish(topic, payload)) }) };
}

/** Answers at once: who drains a server does not want to hold a connection to it. */
function drain(input: AdminInput, target: AdminTarget): Prepared {
  const withinMs = integer(input, 'withinMs', serverLimits.drainWithinMsDefault, timerMsMax);
  if (withinMs === 0) throw badRequest('withinMs is at least 1');
  const run = () => {
    void target.drain(withinMs);
    return { draining: true, connections: target.connections.size };
  };
  return { details: { withinMs }, run };
}

const hasTarget = (input: AdminInput): boolean =>
  input['address'] !== undefined || input['identity'] !== undefined;

function targetOf({ address, identity }: AdminInput): BanTarget {
  if ((address === undefined) === (identity === undefined))
    throw badRequest('name either address or identity');
  if (typeof identity === 'string' && identity !== '') return { kind: 'identity', value: identity };
  // A /64 as the list of bans writes it is one of its own addresses here.
  const value = typeof address === 'string' ? addressKey(address.replace(/\/64$/, '')) : undefined;
  if (value === undefined) throw badRequest('address has to be an IP address, identity a string');
  return { kind: 'address', value };
}

/** A number of a body, or of a query. */
function integer(
  input: AdminInput,
  name: string,
  fallback: number,
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  const given = input[name] ?? fallback;
  const value = typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : given;
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max)
    return value as number;
  throw badRequest(`${name} has to be an integer up to ${max}`);
}
