import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { Counter, Gauge, Registry, type Metric } from 'prom-client';
import type { OnesocketServer } from '../create-server.ts';
import { interceptPath } from '../intercept-path.ts';
import { invalid } from '../invalid.ts';
import type { DistributionData } from './distribution.ts';
import { families, type Family, type Snapshot } from './families.ts';

/** Options of {@link serverMetrics}. */
export interface ServerMetricsOptions {
  /** Where the metrics are registered, beside the app's own. Default: a registry of their own. */
  readonly register?: Registry;
}

/** The metrics of one server. */
export interface ServerMetrics {
  /** The registry that the metrics are in. */
  readonly register: Registry;
  /** Answers a request with everything in the registry: for a route of the app. Never rejects. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  /**
   * Answers `GET` of `path` on an HTTP server, as `/healthz` is answered. Whoever reaches that path reads the metrics:
   * where it is public, mount `handler` behind a check of your own instead.
   *
   * @param options.path - Default `/metrics`.
   * @throws ConnectionError `invalid-option`
   */
  attach(httpServer: HttpServer | HttpsServer, options?: { readonly path?: string }): void;
}

/**
 * Registers the metrics of a server, all named `onesocket_*`. They are read when they are scraped, and cost nothing in
 * between. Two servers of one process need a registry each.
 *
 * @example
 * const metrics = serverMetrics(server);
 * metrics.attach(httpServer);
 */
export function serverMetrics(server: OnesocketServer, options: ServerMetricsOptions = {}): ServerMetrics {
  const { register = new Registry() } = options;
  const snapshot = snapshots(server);
  for (const family of families) define(family, register, snapshot);
  const handler = async (_request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const text = await register.metrics();
      response
        .writeHead(200, { 'content-type': register.contentType, 'cache-control': 'no-store' })
        .end(text);
    } catch {
      // A metric of the app's own can throw when it is collected.
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end();
    }
  };
  return {
    register,
    handler,
    attach(httpServer, { path = '/metrics' } = {}) {
      if (typeof httpServer?.on !== 'function') throw invalid('attach needs an HTTP server');
      if (typeof path !== 'string' || !path.startsWith('/')) throw invalid('path must start with a /');
      interceptPath(httpServer as HttpServer, path, (request, response) => {
        void handler(request, response);
        return true;
      });
    },
  };
}

/** One snapshot for all metrics of a scrape: a registry reads them in one go, and each would look at all connections. */
function snapshots(server: OnesocketServer): () => Snapshot {
  let taken: Snapshot | undefined;
  return () => {
    if (taken) return taken;
    queueMicrotask(() => (taken = undefined));
    return (taken = { stats: server.stats(), measures: server.measures() });
  };
}

type Labels = Record<string, string>;

const prefix = 'onesocket_';

function define(family: Family, register: Registry, snapshot: () => Snapshot): void {
  const { name, help, labels: labelNames = [] } = family;
  const head = { name: prefix + name, help, labelNames: [...labelNames], registers: [register] };
  const labelled = (values: readonly string[]): Labels =>
    Object.fromEntries(labelNames.map((label, index) => [label, values[index]!]));
  switch (family.type) {
    case 'counter':
      new Counter({
        ...head,
        collect() {
          this.reset();
          for (const [values, count] of family.read(snapshot())) this.inc(labelled(values), count);
        },
      });
      return;
    case 'gauge':
      new Gauge({
        ...head,
        collect() {
          for (const [values, value] of family.read(snapshot())) this.set(labelled(values), value);
        },
      });
      return;
    case 'histogram':
      register.registerMetric(
        new CountedHistogram(head.name, help, () =>
          family.read(snapshot()).map(([values, data]) => [labelled(values), data] as const),
        ) as unknown as Metric,
      );
      return;
    default:
      family satisfies never;
  }
}

/** A histogram whose values were counted before, by the server: as much of a metric as a registry asks for. */
class CountedHistogram {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  readonly #read: () => readonly (readonly [Labels, DistributionData])[];

  constructor(name: string, help: string, read: () => readonly (readonly [Labels, DistributionData])[]) {
    this.name = name;
    this.help = help;
    this.#read = read;
  }

  async get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    const values = this.#read().flatMap(([labels, data]) => exposed(name, labels, data));
    return { name, help, type, aggregator, values };
  }

  /** What the server has counted stays: a registry resets its metrics between tests. */
  reset(): void {}
}

/** The lines of one histogram: cumulative buckets, sum and count. */
function exposed(name: string, labels: Labels, { bounds, counts, sum }: DistributionData) {
  let total = 0;
  const buckets = counts.map((count, index) => {
    total += count;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: bounds[index] ?? '+Inf' }, value: total };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: total },
  ];
}
