/** The server of onesocket: its public entry. */
export { createServer, type OnesocketServer, type PublishedAt } from './create-server.ts';
export type { AdminHandler, AdminOptions } from './admin/admin-options.ts';
export type { AuditEntry, AuditSink } from './admin/audit-log.ts';
export { drainOnSignal, type DrainOnSignalOptions } from './drain-on-signal.ts';
export type { CompressionOptions } from './compression.ts';
export type { BanOptions } from './gate/ban-options.ts';
export type { Ban, BanTarget } from './gate/bans.ts';
export type { LimitCounts, LimitName } from './gate/limit-hits.ts';
export type { ServerOptions } from './options.ts';
export type { TokenCarriers } from './tokens.ts';
export type {
  Authenticate,
  Authorize,
  AuthorizeAnswer,
  AuthorizeQuestion,
  Identity,
  IncomingLarge,
  IncomingPublish,
  OnPublish,
  RequestContext,
  RequestHandler,
} from './hooks.ts';
export { allow, type AllowRule } from './allow.ts';
export type { PresenceList, PresenceMember } from './presence.ts';
export type { PresenceOptions } from './presence-options.ts';
export type { RequestHandlers, ValidatedRequest } from './validated-request.ts';
export type { OutputOf, SchemaIssue, SchemaResult, StandardSchema } from './standard-schema.ts';
export type { Revocation } from './revocation.ts';
export { RequestError, type Refusal } from './request-error.ts';
export { ConnectionError, type ConnectionErrorCode } from '../src/protocol/errors.ts';
export type {
  Backbone,
  ClientOpening,
  ClientSequence,
  EncodedPayload,
  HistorySlice,
  LargePayload,
  OpenResult,
  Publication,
  PublishResult,
  ReadBounds,
  RecordedRefusal,
  SequenceProblem,
  StoredMessage,
  TopicHead,
  WatchResult,
} from './backbone.ts';
export { MemoryBackbone, type MemoryBackboneOptions } from './memory-backbone.ts';
export { defaultLimits, type ServerLimits } from './limits.ts';
export type { Logger } from './logger.ts';
export type { MaybePromise } from './maybe-promise.ts';
export type { ServerStats } from './stats.ts';
export type { CloseClass } from './sight/close-class.ts';
export type { DistributionData } from './sight/distribution.ts';
export type {
  AuthFailure,
  ClosedBy,
  ConnectionStage,
  Disconnects,
  ResumeOutcome,
  ServerMeasures,
} from './sight/measures.ts';
export type { TracedSpan, TracedWork, Tracing } from './sight/tracing-types.ts';
export type { TraceContext } from '../src/protocol/trace-context.ts';
export type { PeerRequest } from './transport.ts';
export type { Clock, Timer } from './clock.ts';
