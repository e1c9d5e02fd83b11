import { deepEqual, equal, ok } from 'node:assert/strict';
import { context as contexts, SpanKind, SpanStatusCode, trace as traces } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, beforeEach, describe, it } from 'vitest';
import { startServer } from '../test-kit.ts';
import { RequestError } from '../request-error.ts';
import { openTelemetry } from './open-telemetry.ts';

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const tracer = provider.getTracer('tab');

/** A span of a tab, and what the tab sends of it. */
const click = () => {
  const span = tracer.startSpan('click');
  const { traceId, spanId } = span.spanContext();
  return { traceId, spanId, trace: { traceparent: `00-${traceId}-${spanId}-01`, tracestate: 'shop=7' } };
};

const spanOf = (name: string): ReadableSpan =>
  exporter.getFinishedSpans().find((span) => span.name === name)!;

/** Where the trace is that runs now. */
const here = () => traces.getSpanContext(contexts.active());

describe('the spans of a server', () => {
  beforeAll(() => {
    contexts.setGlobalContextManager(new AsyncLocalStorageContextManager());
    traces.setGlobalTracerProvider(provider);
  });
  beforeEach(() => exporter.reset());
  afterAll(() => {
    contexts.disable();
    traces.disable();
  });

  it('are children of the spans of the tab, and hooks run inside of them', async () => {
    const seen: (readonly [string, string | undefined])[] = [];
    await using running = await startServer({
      tracing: openTelemetry(),
      authorize: async ({ action }) => {
        await Promise.resolve();
        seen.push([`authorize ${action}`, here()?.spanId]);
        return true;
      },
      onPublish: async () => {
        seen.push(['onPublish', here()?.spanId]);
      },
    });
    const client = await running.client({ hello: {} });
    const [subscribed, published] = [click(), click()];
    await client.subscribe('t', { trace: subscribed.trace });
    client.send({ type: 'publish', topic: 't', seq: 1, payload: 'secret', trace: published.trace });
    const message = await client.one('message');
    await client.one('ack');
    const subscribe = spanOf('onesocket subscribe');
    const publish = spanOf('onesocket publish');
    deepEqual(
      [subscribe.parentSpanContext?.spanId, subscribe.spanContext().traceId],
      [subscribed.spanId, subscribed.traceId],
    );
    deepEqual(
      [publish.parentSpanContext?.spanId, publish.spanContext().traceId],
      [published.spanId, published.traceId],
    );
    equal(publish.kind, SpanKind.SERVER);
    equal(publish.status.code, SpanStatusCode.UNSET);
    equal(publish.attributes['messaging.destination.name'], 't');
    ok(!JSON.stringify(publish.attributes).includes('secret'));
    deepEqual(seen, [
      ['authorize subscribe', subscribe.spanContext().spanId],
      ['authorize publish', publish.spanContext().spanId],
      ['onPublish', publish.spanContext().spanId],
    ]);
    // What a subscriber does with the message goes on from the server's span.
    const { spanId } = publish.spanContext();
    deepEqual(message.trace, { traceparent: `00-${published.traceId}-${spanId}-01`, tracestate: 'shop=7' });
  });

  it('hold the handler of a request, and what that begins', async () => {
    await using running = await startServer({
      tracing: openTelemetry(),
      requests: {
        sum: async (input) => {
          await Promise.resolve();
          tracer.startSpan('database', {}, contexts.active()).end();
          return input;
        },
      },
    });
    const client = await running.client({ hello: {} });
    const { trace, spanId, traceId } = click();
    client.send({ type: 'request', method: 'sum', timeoutMs: 0, payload: 1, trace });
    await client.one('response');
    const request = spanOf('onesocket request');
    deepEqual([request.parentSpanContext?.spanId, request.spanContext().traceId], [spanId, traceId]);
    equal(spanOf('database').parentSpanContext?.spanId, request.spanContext().spanId);
    equal(request.attributes['rpc.method'], 'sum');
  });

  it('end with the code of what went wrong, once each', async () => {
    await using running = await startServer({
      tracing: openTelemetry(),
      authorize: ({ topic }) => topic !== 'forbidden',
      onPublish: ({ topic }) => {
        if (topic === 'spam') throw new RequestError('spam', 'not here');
      },
      requests: { wait: () => new Promise(() => {}), forbidden: () => 1 },
    });
    const client = await running.client({ hello: {} });
    client.send({ type: 'subscribe', topic: 'forbidden' });
    client.send({ type: 'publish', topic: 'spam', seq: 1, payload: 1 });
    client.send({ type: 'request', method: 'unknown', timeoutMs: 0, payload: 1 });
    client.send({ type: 'request', method: 'forbidden', timeoutMs: 0, payload: 1 });
    client.send({ type: 'request', method: 'wait', timeoutMs: 20, payload: 1 });
    const id = client.send({ type: 'request', method: 'wait', timeoutMs: 0, payload: 1 });
    client.send({ type: 'cancel', re: id });
    client.send({ type: 'request', method: 'wait', timeoutMs: 0, payload: 1 });
    await client.some('error', 4);
    await client.one('nack');
    client.socket.terminate();
    await new Promise<void>((resolve) => {
      const look = () => (exporter.getFinishedSpans().length >= 7 ? resolve() : setImmediate(look));
      look();
    });
    const ends = exporter
      .getFinishedSpans()
      .map(({ name, attributes }) => `${name}: ${attributes['error.type']}`)
      .toSorted();
    deepEqual(ends, [
      'onesocket publish: spam',
      'onesocket request: cancelled',
      'onesocket request: disconnected',
      'onesocket request: forbidden',
      'onesocket request: timeout',
      'onesocket request: unknown-method',
      'onesocket subscribe: forbidden',
    ]);
  });

  it('begin a trace where the client names none, and ignore and count what is none', async () => {
    await using running = await startServer({ tracing: openTelemetry() });
    const client = await running.client({ hello: {} });
    const { trace, traceId } = click();
    const invalid = [
      null,
      7,
      'text',
      [],
      {},
      { traceparent: 7 },
      { traceparent: 'x'.repeat(100_000) },
      { traceparent: trace.traceparent.toUpperCase() },
      { traceparent: trace.traceparent.replace(traceId, '0'.repeat(32)) },
      { traceparent: `ff${trace.traceparent.slice(2)}` },
    ];
    invalid.forEach((value, index) =>
      client.send({ type: 'publish', topic: 't', seq: index + 1, payload: 1, trace: value }),
    );
    client.send({ type: 'publish', topic: 't', seq: 99, payload: 1 });
    await client.until(() => client.all('ack').some(({ seq }) => seq === 99));
    equal(running.server.measures().invalidTraces, invalid.length);
    const spans = exporter.getFinishedSpans();
    equal(spans.length, invalid.length + 1);
    ok(spans.every((span) => span.parentSpanContext === undefined));
  });

  it('leave out a tracestate that is none, and keep its traceparent', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: {} });
    const { trace } = click();
    await client.subscribe('t');
    const { traceparent } = trace;
    const states = ['x'.repeat(513), 'a=\u0007', 7, 'a=b'];
    states.forEach((tracestate, index) =>
      client.send({
        type: 'publish',
        topic: 't',
        seq: index + 1,
        payload: 1,
        trace: { traceparent, tracestate },
      }),
    );
    const messages = await client.some('message', 4);
    // Without `tracing` the message carries on what the publish had.
    deepEqual(
      messages.map((message) => message.trace),
      [{ traceparent }, { traceparent }, { traceparent }, { traceparent, tracestate: 'a=b' }],
    );
  });
});
