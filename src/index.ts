export type { Auth, AuthOptions, Token } from './auth-types.ts';
export { connect } from './connect.ts';
export { ConnectionError, type ConnectionErrorCode, type ErrorData } from './protocol/errors.ts';
export type {
  ApiShape,
  ConnectOptions,
  Delivery,
  Gap,
  Message,
  OneSocket,
  Outbox,
  OutboxEntry,
  Presence,
  Progress,
  PublishOptions,
  RequestOptions,
  Signal,
  SocketEventMap,
  SocketStatus,
  SubscribeOptions,
  Subscription,
  UntypedApi,
} from './types.ts';
export type { SocketMetrics, TabMetrics } from './metrics-types.ts';
export type {
  DurationSummary,
  HubMetrics,
  ReconnectReason,
  TransferCounts,
} from '../worker/core/metrics-types.ts';
export type { TraceContext } from './protocol/trace-context.ts';
export type {
  ConnectionState,
  Durability,
  GapReason,
  HostKind,
  HubStatus,
  WhenFull,
} from '../worker/core/hub-api.ts';
export type { TokenCarrier } from '../worker/core/token-types.ts';
export type { Member } from '../worker/core/news-types.ts';
