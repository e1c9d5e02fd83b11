import type { IncomingMessage } from 'node:http';
import { ConnectionError } from '../../src/protocol/errors.ts';
import { addressKey } from '../gate/address.ts';
import { ExpiringMap } from '../gate/expiring-map.ts';
import { TokenBucket } from '../gate/token-bucket.ts';
import { withDeadline } from '../guard.ts';
import { invalid } from '../invalid.ts';
import * as serverLimits from '../limits.ts';
import { pathname } from '../upgrade.ts';
import { adminActions, type AdminAction, type AdminInput, type AdminTarget } from './actions.ts';
import { AdminError } from './admin-error.ts';
import type { AdminHandler, AdminOptions } from './admin-options.ts';
import { auditFile, type AuditEntry, type AuditSink } from './audit-log.ts';
import { readBody } from './read-body.ts';
import { secretCheck, type SecretCheck } from './secret.ts';

/** One request under way. */
interface Attempt {
  readonly id: string;
  readonly name: string;
  readonly address: string | undefined;
}

/** Answers requests of operators. */
export class Admin {
  readonly #target: AdminTarget;
  readonly #hasSecret: SecretCheck;
  readonly #audit: AuditSink;
  readonly #path: string;
  readonly #failures = new ExpiringMap<TokenBucket>({
    maxEntries: serverLimits.adminAddresses,
    ttlMs: (serverLimits.adminFailures.burst / serverLimits.adminFailures.perSecond) * 1000,
  });
  #pending = 0;
  #limitedToldAt = -Infinity;

  /** @throws ConnectionError `invalid-option` */
  constructor(target: AdminTarget, { secret, audit, path = '/admin' }: AdminOptions) {
    if (typeof path !== 'string' || !path.startsWith('/')) throw invalid('path must start with a /');
    if (typeof audit !== 'function' && (typeof audit !== 'string' || audit === ''))
      throw invalid('audit must be the path of a file, or a function');
    this.#target = target;
    this.#hasSecret = secretCheck(secret);
    this.#audit = typeof audit === 'string' ? auditFile(audit) : audit;
    this.#path = path.replace(/\/$/, '');
  }

  /** Takes a request, whatever comes of it. */
  readonly handle: AdminHandler = (request, response) => {
    void this.#answer(request).then(({ status, headers, body }) => {
      const more = { 'content-type': 'application/json', 'cache-control': 'no-store' };
      response.writeHead(status, { ...more, 'x-content-type-options': 'nosniff', ...headers });
      response.end(`${JSON.stringify(body)}\n`);
    });
  };

  async #answer(request: IncomingMessage): Promise<Answer> {
    const { context } = this.#target;
    const path = pathname(request);
    const name = path.startsWith(`${this.#path}/`) ? path.slice(this.#path.length + 1) : '';
    const attempt: Attempt = {
      id: context.randomId(),
      // Anything else may be a secret that somebody put into the wrong place.
      name: adminActions.has(name) ? name : 'unknown',
      address: context.gatekeeper.addressOf(request),
    };
    if (this.#pending >= serverLimits.adminPending) return answerTo(busy);
    this.#pending++;
    try {
      return await this.#carryOut(request, attempt);
    } catch (reason) {
      if (!(reason instanceof AdminError)) context.logger.error({ err: reason }, 'an admin request failed');
      return answerTo(reason instanceof AdminError ? reason : failed);
    } finally {
      this.#pending--;
    }
  }

  async #carryOut(request: IncomingMessage, attempt: Attempt): Promise<Answer> {
    const { details, run } = await this.#understand(request, attempt);
    await this.#record(attempt, { outcome: 'accepted', details });
    try {
      const body = await run();
      await this.#recordEnd(attempt, { outcome: 'done', status: 200, details });
      return { status: 200, headers: {}, body };
    } catch (reason) {
      const error =
        reason instanceof ConnectionError ? new AdminError(422, reason.code, reason.message) : failed;
      if (error === failed) this.#target.context.logger.error({ err: reason }, 'an admin action failed');
      await this.#recordEnd(attempt, { outcome: 'failed', status: error.status, details });
      return answerTo(error);
    }
  }

  /** Checks who asks, and for what. A refusal is recorded, too. */
  async #understand(request: IncomingMessage, attempt: Attempt) {
    try {
      await this.#authorize(request, attempt);
      const action = actionOf(request, attempt.name);
      return action.prepare(await this.#inputOf(request, action), this.#target);
    } catch (reason) {
      if (!(reason instanceof AdminError)) throw reason;
      const { status, code } = reason;
      if (status !== 429 || this.#mayTellOfLimited())
        await this.#record(attempt, { outcome: 'refused', status, details: { code } });
      throw reason;
    }
  }

  async #authorize({ headers }: IncomingMessage, { address }: Attempt): Promise<void> {
    const { clock, limitHits } = this.#target.context;
    const now = clock.uptime();
    const key = addressKey(address) ?? '';
    const bucket = this.#failures.touch(key, now, () => new TokenBucket(serverLimits.adminFailures));
    // Looked at first: otherwise the right guess would still be told from the wrong ones.
    const waitMs = bucket.waitMs(1, now);
    if (waitMs > 0) {
      limitHits.hit('admin', { address });
      const retryAfter = { 'retry-after': `${Math.ceil(waitMs / 1000)}` };
      throw new AdminError(429, 'too-many-failures', 'too many wrong secrets', retryAfter);
    }
    if (this.#hasSecret(headers.authorization)) return;
    bucket.take(1, now);
    throw new AdminError(401, 'unauthorized', 'the secret is wrong or missing', {
      'www-authenticate': 'Bearer',
    });
  }

  async #inputOf(request: IncomingMessage, { method }: AdminAction): Promise<AdminInput> {
    const { clock, limits } = this.#target.context;
    if (method === 'GET') return Object.fromEntries(new URLSearchParams((request.url ?? '').split('?')[1]));
    const maxBytes = limits.messageBytes + serverLimits.adminBodyBytes;
    return readBody(request, { clock, maxBytes, timeoutMs: serverLimits.adminBodyMs });
  }

  async #record(attempt: Attempt, entry: Pick<AuditEntry, 'outcome' | 'status' | 'details'>): Promise<void> {
    const { clock, limits, logger } = this.#target.context;
    const { id, name: action, address } = attempt;
    const at = new Date(clock.now()).toISOString();
    try {
      const written = Promise.resolve(this.#audit({ at, id, action, address, ...entry }));
      await withDeadline(written, { clock, timeoutMs: limits.hookTimeoutMs });
    } catch (reason) {
      logger.error({ err: reason, action, outcome: entry.outcome }, 'the audit log cannot be written');
      throw new AdminError(503, 'audit-failed', 'the audit log cannot be written, so nothing is done');
    }
  }

  /** What is done is done, and the log has it as accepted. */
  async #recordEnd(
    attempt: Attempt,
    entry: Pick<AuditEntry, 'outcome' | 'status' | 'details'>,
  ): Promise<void> {
    await this.#record(attempt, entry).catch(() => undefined);
  }

  /** Somebody who guesses for hours must not fill the disk. */
  #mayTellOfLimited(): boolean {
    const now = this.#target.context.clock.now();
    if (now - this.#limitedToldAt < serverLimits.auditLimitedMs) return false;
    this.#limitedToldAt = now;
    return true;
  }
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

function actionOf({ method }: IncomingMessage, name: string): AdminAction {
  const action = adminActions.get(name);
  if (!action) throw new AdminError(404, 'unknown-action', 'there is no such action');
  if (action.method !== method)
    throw new AdminError(405, 'wrong-method', `this is a ${action.method}`, { allow: action.method });
  return action;
}

const answerTo = ({ status, headers, code, message }: AdminError): Answer => ({
  status,
  headers,
  body: { error: code, message },
});

const busy = new AdminError(503, 'busy', 'too many admin requests at one time', { 'retry-after': '1' });
const failed = new AdminError(500, 'failed', 'the server failed');
