/** A backbone that survives restarts: an entry of its own, because it needs a package that not every server has. */
export { fileBackbone, type FileBackboneOptions } from './durable/file-backbone.ts';
export { ConnectionError, type ConnectionErrorCode } from '../src/protocol/errors.ts';
export type { Backbone } from './backbone.ts';
