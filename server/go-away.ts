/** How a connection is asked to leave. */
export interface GoAway {
  /** Default: 1012. */
  readonly code?: number;
  /** Whether running requests are waited for. Default: no. */
  readonly afterRequests?: boolean;
}
