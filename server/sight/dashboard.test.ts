import { deepEqual, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startServer } from '../test-kit.ts';
import { serverMetrics } from './prometheus.ts';

interface Datasource {
  readonly type: string;
  readonly uid: string;
}

interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
  readonly datasource: Datasource;
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly datasource?: Datasource;
  readonly targets?: readonly Target[];
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number };
}

interface Variable {
  readonly name: string;
  readonly type: string;
  readonly query: string | { readonly query: string };
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly schemaVersion: number;
  readonly uid: string;
  readonly title: string;
  readonly templating: { readonly list: readonly Variable[] };
}

const url = new URL('../../docs/grafana/onesocket.json', import.meta.url);
const { panels, templating, ...dashboard } = JSON.parse(readFileSync(url, 'utf8')) as Dashboard;
const targets = panels.flatMap((panel) => panel.targets ?? []);
const variables = templating.list.map(({ name }) => name);

/** Labels that Prometheus adds to whatever it scrapes. */
const scrapeLabels = ['job', 'instance'];

const namesIn = (text: string): string[] => [...new Set(text.match(/onesocket_\w+/g) ?? [])];

/** The label names in `{...}` behind a metric. */
const matched = (expr: string): [metric: string, labels: string[]][] =>
  Array.from(expr.matchAll(/(onesocket_\w+)\{([^}]*)\}/g), ([, metric, list]) => [
    metric!,
    Array.from(list!.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g), ([, label]) => label!),
  ]);

/** The label names by which an expression sums up. */
const grouped = (expr: string): string[] =>
  Array.from(expr.matchAll(/\bby\s*\(([^)]*)\)/g), ([, list]) => list!.split(',')).flatMap((list) =>
    list.map((label) => label.trim()),
  );

/** The exposition of a server that has done a bit of everything: the label names of each metric that has a sample. */
async function exposed(): Promise<ReadonlyMap<string, readonly string[]>> {
  await using running = await startServer({
    authenticate: ({ token }) => (token === 'bad' ? null : { identity: token }),
    requests: { echo: (input: unknown) => input },
    heartbeatMs: 50,
  });
  const ada = await running.client({ hello: { token: 'ada' } });
  await ada.subscribe('t');
  await ada.publish('t', 1, 2);
  await ada.some('message', 2);
  ada.send({ type: 'request', method: 'echo', payload: 1, timeoutMs: 0 });
  await ada.one('response');
  ada.send({ type: 'subscribe', topic: 'u', resume: { epoch: 'other', offset: 3 } });
  await ada.one('gap');
  const refused = await running.client();
  refused.sendHello({ token: 'bad' });
  await refused.closed;
  const malformed = await running.client({ hello: { token: 'bob' } });
  malformed.socket.send('{');
  await malformed.closed;
  const text = await serverMetrics(running.server).register.metrics();
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    samples.map((line) => {
      const [, name, labels = ''] = /^(\w+)(?:\{(.*)\})?/.exec(line)!;
      return [name!, Array.from(labels.matchAll(/(\w+)="/g), ([, label]) => label!)] as const;
    }),
  );
}

describe('the queries of docs/grafana/onesocket.json', () => {
  it('ask for every metric of the exposition, and for no other', async () => {
    await using running = await startServer();
    const families = await serverMetrics(running.server).register.getMetricsAsJSON();
    const named = families.flatMap(({ name, type }) =>
      (type as unknown) === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    );
    const asked = new Set(targets.flatMap(({ expr }) => namesIn(expr)));
    expect([...asked].filter((name) => !named.includes(name))).toEqual([]);
    const missing = families.filter(({ name }) => !asked.has(name) && !asked.has(`${name}_bucket`));
    expect(missing.map(({ name }) => name)).toEqual([]);
  });

  it('find a sample of every metric, and every label by which they choose, sum up and name', async () => {
    const labelsOf = await exposed();
    const queries = templating.list.map(({ query }) => (typeof query === 'string' ? query : query.query));
    const problems: string[] = [];
    for (const expr of [...targets.map((target) => target.expr), ...queries]) {
      const names = namesIn(expr);
      problems.push(...names.filter((name) => !labelsOf.has(name)).map((name) => `no sample of ${name}`));
      const has = (metric: string, label: string) =>
        scrapeLabels.includes(label) || labelsOf.get(metric)?.includes(label);
      for (const [metric, labels] of matched(expr)) {
        for (const label of labels) if (!has(metric, label)) problems.push(`${label} of ${metric}`);
      }
      for (const label of grouped(expr)) {
        for (const name of names) if (!has(name, label)) problems.push(`by ${label} of ${name}`);
      }
    }
    for (const { expr, legendFormat } of targets) {
      for (const [, label] of legendFormat.matchAll(/\{\{\s*(\w+)\s*\}\}/g)) {
        if (!grouped(expr).includes(label!)) problems.push(`${legendFormat} of ${expr}`);
      }
    }
    expect(problems).toEqual([]);
    expect(targets.flatMap(({ expr }) => grouped(expr)).length).toBeGreaterThan(10);
  });

  it('use no variable that the dashboard does not have', () => {
    const used = JSON.stringify([panels, templating]).matchAll(/\$\{?(\w+)/g);
    const unknown = Array.from(used, ([, name]) => name!).filter(
      (name) => !variables.includes(name) && name !== '__rate_interval',
    );
    expect(unknown).toEqual([]);
  });
});

describe('the shape of docs/grafana/onesocket.json', () => {
  it('is one that Grafana imports, with a data source that the user chooses', () => {
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(36);
    expect(dashboard.uid).toMatch(/^[\w-]{1,40}$/);
    expect(dashboard.title).toBe('onesocket');
    expect(templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' });
    const datasource = { type: 'prometheus', uid: '${datasource}' };
    const queried = panels.filter(({ type }) => type !== 'row');
    for (const panel of queried) {
      const asked = panel.targets ?? [];
      const refs = new Set(asked.map(({ refId }) => refId));
      ok(refs.size === asked.length && refs.size > 0, panel.title);
      for (const { datasource: own } of [panel, ...asked]) deepEqual(own, datasource, panel.title);
    }
    expect(queried.length).toBeGreaterThan(10);
  });

  it('has panels with numbers of their own', () => {
    const ids = panels.map(({ id }) => id);
    expect(ids.every((id) => Number.isSafeInteger(id) && id > 0)).toBe(true);
    expect(ids).toEqual([...new Set(ids)]);
  });

  it('has panels that lie in the grid, and on no other one', () => {
    const cells = new Set<string>();
    for (const { title, gridPos } of panels) {
      const { x, y, w, h } = gridPos;
      ok([x, y, w, h].every(Number.isSafeInteger) && Math.min(x, y) >= 0 && Math.min(w, h) > 0, title);
      ok(x + w <= 24, title);
      for (let column = x; column < x + w; column++) {
        for (let row = y; row < y + h; row++) {
          ok(!cells.has(`${column} ${row}`), `${title} lies on another panel`);
          cells.add(`${column} ${row}`);
        }
      }
    }
  });
});
