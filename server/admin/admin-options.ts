import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuditSink } from './audit-log.ts';

/** How the admin interface is set up. */
export interface AdminOptions {
  /** What a request has to have as `Authorization: Bearer <secret>`: 32 printable ASCII characters or more. */
  readonly secret: string;
  /**
   * Where every action is recorded before it happens, also those that are refused: the path of a file, to which lines
   * of JSON are appended, or a function of the app's own. What cannot be recorded is not done.
   */
  readonly audit: string | AuditSink;
  /** What all paths begin with. Default `/admin`. */
  readonly path?: string;
}

/** Takes the requests of an HTTP server. */
export type AdminHandler = (request: IncomingMessage, response: ServerResponse) => void;
