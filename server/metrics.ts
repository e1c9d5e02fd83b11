/** Metrics for Prometheus: an entry of its own, because it needs a package that not every server has. */
export { serverMetrics, type ServerMetrics, type ServerMetricsOptions } from './sight/prometheus.ts';
