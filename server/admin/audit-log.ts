import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** What somebody did, or wanted to do, by the admin interface. It never holds a secret, a token or a payload. */
export interface AuditEntry {
  /** When, in ISO 8601. */
  readonly at: string;
  /** Joins the entries of one request. */
  readonly id: string;
  /** The action's name, or `unknown`. */
  readonly action: string;
  /** Who asked. */
  readonly address: string | undefined;
  /** `accepted` is written before anything happens; `done` or `failed` follows. `refused` stands alone. */
  readonly outcome: 'accepted' | 'done' | 'failed' | 'refused';
  /** HTTP status of the answer; absent for `accepted`. */
  readonly status?: number;
  /** Whom or what it concerns, and what came of it. */
  readonly details: { readonly [name: string]: unknown };
}

/** Keeps an entry for good. It resolves when that is done; where it throws or rejects, the action is refused. */
export type AuditSink = (entry: AuditEntry) => void | Promise<void>;

/**
 * Appends entries to a file, as lines of JSON. The file is opened for each, so that it can be moved away at any time,
 * and only for appending: nothing that is in it can be overwritten from here.
 */
export function auditFile(path: string): AuditSink {
  const { O_APPEND, O_CREAT, O_WRONLY } = constants;
  let last = Promise.resolve();
  const append = async (line: string) => {
    const file = await open(path, O_APPEND | O_CREAT | O_WRONLY, 0o600);
    try {
      await file.writeFile(line);
      await file.datasync();
    } finally {
      await file.close();
    }
  };
  return (entry) => {
    const line = `${JSON.stringify(entry)}\n`;
    const written = last.then(() => append(line));
    // One that failed does not fail those after it.
    last = written.catch(() => undefined);
    return written;
  };
}
