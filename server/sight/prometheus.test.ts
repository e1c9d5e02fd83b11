import { deepEqual, equal, ok } from 'node:assert/strict';
import { Counter, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createDeferred } from '../deferred.ts';
import { startServer, withChunks, type RunningServer } from '../test-kit.ts';
import type { ServerOptions } from '../options.ts';
import { serverMetrics } from './prometheus.ts';

interface Scraped {
  readonly text: string;
  /** The value of a line, such as `onesocket_gaps_total{reason="epoch"}`; 0 where there is none. */
  value(line: string): number;
}

const scrape = async ({ port }: { readonly port: number }, path = '/metrics'): Promise<Scraped> => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  const text = await response.text();
  const lines = text.split('\n');
  return {
    text,
    value: (line) =>
      Number(
        lines
          .find((each) => each.startsWith(`${line} `))
          ?.split(' ')
          .at(-1) ?? 0,
      ),
  };
};

const startMeasured = async (options: ServerOptions = {}): Promise<RunningServer> => {
  const running = await startServer(options);
  serverMetrics(running.server).attach(running.httpServer);
  return running;
};

/** Scrapes until a line has the value: a closed connection is told by an event of the server's own. */
const until = async (running: RunningServer, line: string, value: number): Promise<Scraped> => {
  for (;;) {
    const scraped = await scrape(running);
    if (scraped.value(line) >= value) return scraped;
  }
};

describe('the metrics of a server', () => {
  it('are answered at /metrics beside the health check, as Prometheus reads them', async () => {
    await using running = await startMeasured();
    const response = await fetch(`http://127.0.0.1:${running.port}/metrics`);
    equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    equal((await fetch(`http://127.0.0.1:${running.port}/healthz`)).status, 200);
    equal((await fetch(`http://127.0.0.1:${running.port}/other`)).status, 404);
    const families = [...(await response.text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)];
    ok(families.length > 20);
    for (const [, name, type] of families) {
      expect(name).toMatch(/^onesocket_[a-z_]+$/);
      equal(name!.endsWith('_total'), type === 'counter', name);
    }
  });

  it('can be mounted by the app, in a registry of its own', async () => {
    await using running = await startServer();
    const register = new Registry();
    new Counter({ name: 'app_orders_total', help: 'Orders.', registers: [register] }).inc(3);
    const metrics = serverMetrics(running.server, { register });
    running.httpServer.on('request', (request, response) => {
      if (request.url === '/mine') void metrics.handler(request, response);
      else response.writeHead(418).end();
    });
    const scraped = await scrape(running, '/mine');
    equal(scraped.value('app_orders_total'), 3);
    ok(scraped.text.includes('\nonesocket_connections 0\n'));
    equal((await fetch(`http://127.0.0.1:${running.port}/metrics`)).status, 418);
  });

  it('answer 500 where a metric of the app throws', async () => {
    await using running = await startServer();
    const register = new Registry();
    const collect = () => {
      throw new Error('secret');
    };
    new Counter({ name: 'app_broken_total', help: 'Broken.', registers: [register], collect });
    serverMetrics(running.server, { register }).attach(running.httpServer);
    const response = await fetch(`http://127.0.0.1:${running.port}/metrics`);
    deepEqual([response.status, await response.text()], [500, '']);
  });

  it('count connections, messages, acknowledgements and bytes in and out', async () => {
    await using running = await startMeasured();
    const before = await scrape(running);
    const client = await running.client({ hello: {} });
    await client.subscribe('t');
    await client.publish('t', 1, 3);
    client.send({ type: 'publish', topic: 't', seq: 3, payload: 'x'.repeat(5000) });
    await client.some('message', 3);
    await client.roundTrip();
    const after = await scrape(running);
    const since = (line: string) => after.value(line) - before.value(line);
    equal(after.value('onesocket_connections'), 1);
    equal(since('onesocket_connections_accepted_total'), 1);
    equal(after.value('onesocket_subscriptions'), 1);
    equal(after.value('onesocket_topics'), 1);
    equal(since('onesocket_publishes_received_total'), 4);
    equal(since('onesocket_publishes_total{outcome="accepted"}'), 3);
    equal(since('onesocket_publishes_total{outcome="duplicate"}'), 1);
    equal(since('onesocket_messages_sent_total'), 3);
    equal(since('onesocket_acks_sent_total'), client.all('ack').length);
    ok(since('onesocket_received_bytes_total') > 5000);
    ok(since('onesocket_sent_bytes_total') > 3 * 100);
    equal(after.value('onesocket_publishes_in_process'), 0);
  });

  it('keep the bytes of connections that have ended', async () => {
    await using running = await startMeasured();
    const client = await running.client({ hello: {} });
    client.send({ type: 'publish', topic: 't', seq: 1, payload: 'x'.repeat(5000) });
    await client.roundTrip();
    const before = await scrape(running);
    client.socket.close();
    const after = await until(
      running,
      'onesocket_disconnects_total{code="1005",reason="lost",by="client"}',
      1,
    );
    ok(after.value('onesocket_received_bytes_total') >= before.value('onesocket_received_bytes_total'));
    equal(after.value('onesocket_connections'), 0);
  });

  it('say to how many subscriptions a message goes, as a histogram with cumulative buckets', async () => {
    await using running = await startMeasured();
    const clients = [];
    for (const clientId of ['a', 'b', 'c']) clients.push(await running.client({ hello: { clientId } }));
    for (const client of clients) await client.subscribe('many');
    await clients[0]!.subscribe('one');
    for (const topic of ['many', 'many', 'one', 'none']) await running.server.publish(topic, 1);
    const { value } = await scrape(running);
    const bucket = (le: string) => value(`onesocket_fanout_receivers_bucket{le="${le}"}`);
    deepEqual([bucket('1'), bucket('2'), bucket('5'), bucket('+Inf')], [1, 1, 3, 3]);
    deepEqual([value('onesocket_fanout_receivers_sum'), value('onesocket_fanout_receivers_count')], [7, 3]);
  });

  it('say how much waits: publishes in process, and bytes that a peer does not take', async () => {
    const { promise, resolve } = createDeferred<void>();
    await using running = await startMeasured({ onPublish: () => promise });
    const client = await running.client({ hello: {} });
    client.send(
      { type: 'publish', topic: 't', seq: 1, payload: 1 },
      { type: 'publish', topic: 't', seq: 2, payload: 1 },
    );
    await client.roundTrip();
    equal((await scrape(running)).value('onesocket_publishes_in_process'), 2);
    resolve();
    await client.until(() => client.all('ack').some(({ seq }) => seq === 2));
    equal((await scrape(running)).value('onesocket_publishes_in_process'), 0);
    await client.subscribe('large');
    client.socket.pause();
    for (let index = 0; index < 200; index++) await running.server.publish('large', 'x'.repeat(60_000));
    const waiting = await until(running, 'onesocket_buffered_bytes', 1);
    ok(waiting.value('onesocket_buffered_bytes') > 0);
  });

  it('count resumes, and gaps by reason', async () => {
    await using running = await startMeasured({ limits: { historyMessages: 2 } });
    const client = await running.client({ hello: {} });
    await client.publish('t', 1, 5);
    const { epoch } = await client.subscribe('t');
    await client.subscribe('t', { resume: { epoch, offset: 4 } });
    await client.subscribe('t', { resume: { epoch, offset: 1 } });
    await client.subscribe('t', { resume: { epoch: 'another', offset: 1 } });
    await client.some('gap', 2);
    const { value } = await scrape(running);
    equal(value('onesocket_resumes_total{outcome="resumed"}'), 1);
    equal(value('onesocket_resumes_total{outcome="gap"}'), 2);
    equal(value('onesocket_gaps_total{reason="history"}'), 1);
    equal(value('onesocket_gaps_total{reason="epoch"}'), 1);
  });

  it('count disconnects by code, class and side, whatever text and code a client closes with', async () => {
    await using running = await startMeasured();
    const disconnects = (labels: string) => `onesocket_disconnects_total{${labels}}`;
    const lost = await running.client({ hello: { clientId: 'lost' } });
    lost.socket.terminate();
    await until(running, disconnects('code="1006",reason="lost",by="client"'), 1);
    for (const code of [3001, 3002, 4999]) {
      const client = await running.client({ hello: { clientId: `c${code}` } });
      client.socket.close(code, `text ${code}`);
      await client.closed;
    }
    await until(running, disconnects('code="other",reason="other",by="client"'), 3);
    const malformed = await running.client({ hello: { clientId: 'm' } });
    malformed.socket.send('{');
    equal((await malformed.closed).code, 4400);
    const scraped = await until(running, disconnects('code="4400",reason="protocol",by="server"'), 1);
    ok(!/text \d|3001|4999/.test(scraped.text));
    equal(scraped.value('onesocket_frames_malformed_total'), 1);
  });

  it('count a frame that is too large as a limit, and as ended by the server', async () => {
    await using running = await startMeasured({ limits: { maxFrameBytes: 1000 } });
    const client = await running.client({ hello: {} });
    client.socket.send('x'.repeat(2000));
    equal((await client.closed).code, 1009);
    const { value } = await until(
      running,
      'onesocket_disconnects_total{code="1009",reason="limit",by="server"}',
      1,
    );
    equal(value('onesocket_limits_hit_total{limit="frame-bytes"}'), 1);
  });

  it('count tokens that are no good by why, and show none of them', async () => {
    const canary = 'canary-7f3';
    await using running = await startMeasured({
      authenticate: ({ token }) => {
        if (token.includes('fails')) return new Promise(() => {});
        if (token.includes('bad')) return null;
        return { identity: 'ada', ...(token.includes('old') && { expiresAt: 1 }) };
      },
      limits: { hookTimeoutMs: 50 },
    });
    const attempts = [
      [{}, 4401],
      [{ token: `${canary} bad` }, 4401],
      [{ token: `${canary} old` }, 4419],
      [{ token: `${canary} ok`, identity: 'bob' }, 4403],
      [{ token: `${canary} fails` }, 1013],
    ] as const;
    for (const [hello, code] of attempts) {
      const client = await running.client();
      client.sendHello(hello);
      equal((await client.closed).code, code);
    }
    const { value, text } = await scrape(running);
    const failures = (reason: string) => value(`onesocket_auth_failures_total{reason="${reason}"}`);
    deepEqual(['refused', 'expired', 'forbidden', 'unavailable'].map(failures), [2, 1, 1, 1]);
    ok(!/canary|ada|bob/.test(text));
  });

  it('count the limits that were hit, by limit', async () => {
    const limits = {
      connections: 1,
      maxSubscriptions: 1,
      messageBytes: 100,
      topics: 1,
      pendingRequests: 1,
      requestTimeoutMs: 50,
      transfers: 1,
    };
    await using running = await startMeasured({ limits, requests: { wait: () => new Promise(() => {}) } });
    const client = await running.client({ hello: withChunks });
    const refused = new WebSocket(`ws://127.0.0.1:${running.port}/realtime`, ['onesocket.v1']);
    await new Promise((resolve) => refused.on('error', resolve));
    await client.subscribe('t');
    client.send({ type: 'subscribe', topic: 'u' });
    await client.some('error', 1);
    client.send(
      { type: 'publish', topic: 't', seq: 1, payload: 'x'.repeat(200) },
      { type: 'publish', topic: 'u', seq: 2, payload: 1 },
    );
    await client.some('nack', 2);
    client.send(
      { type: 'request', method: 'wait', timeoutMs: 0, payload: 1 },
      { type: 'request', method: 'wait', timeoutMs: 0, payload: 1 },
    );
    await client.some('error', 3);
    await client.offer('t', 'x', 100_000);
    client.send({ type: 'offer', topic: 't', transfer: 'y', size: 100_000 });
    await client.some('error', 4);
    const { value } = await scrape(running);
    const names = [
      'connections',
      'subscriptions',
      'message-bytes',
      'topics',
      'requests',
      'request-time',
      'transfers',
    ];
    const hits = names.map((limit) => [limit, value(`onesocket_limits_hit_total{limit="${limit}"}`)]);
    deepEqual(
      hits,
      names.map((limit) => [limit, 1]),
    );
  });

  it('measure the round trip of pings, and the way to welcome, subscription and first message', async () => {
    await using running = await startMeasured({ heartbeatMs: 20 });
    const client = await running.client({ hello: {} });
    await client.subscribe('t');
    await client.publish('t', 1, 2);
    await client.some('message', 2);
    const { value } = await until(running, 'onesocket_round_trip_seconds_count', 1);
    ok(value('onesocket_round_trip_seconds_sum') > 0);
    for (const stage of ['welcome', 'subscribed', 'first_message']) {
      equal(value(`onesocket_connection_stage_seconds_count{stage="${stage}"}`), 1, stage);
      equal(value(`onesocket_connection_stage_seconds_bucket{stage="${stage}",le="+Inf"}`), 1, stage);
    }
  });

  it('measure no round trip by a pong that nobody asked for', async () => {
    await using running = await startMeasured({ heartbeatMs: 60_000 });
    const client = await running.client({ hello: {} });
    client.socket.pong('other');
    client.socket.pong('rtt');
    await client.roundTrip();
    equal((await scrape(running)).value('onesocket_round_trip_seconds_count'), 0);
  });
});
