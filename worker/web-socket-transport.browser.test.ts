import { describe, expect, inject, it } from 'vitest';
import * as closeCodes from '../src/protocol/close-codes.ts';
import * as protocolLimits from '../src/protocol/limits.ts';
import { dialConformance } from './testing/dial-conformance.ts';
import { EventLog } from './testing/event-log.ts';
import { askServer } from './testing/test-server.ts';
import { dialWebSocket } from './web-socket-transport.ts';

const urls = inject('serverUrls');

type Told =
  | readonly ['opened']
  | readonly ['frame', string | Uint8Array]
  | readonly ['congestion', boolean]
  | readonly ['closed', number, string];

/** Dials a peer that sends back what it gets. */
function dial(url = '') {
  const log = new EventLog<Told>();
  const name = crypto.randomUUID();
  const transport = dialWebSocket(url || `${urls.peers}?${name}`, {
    opened: () => log.add(['opened']),
    frame: (data) => log.add(['frame', data]),
    congestion: (isCongested) => log.add(['congestion', isCongested]),
    closed: (code, reason) => log.add(['closed', code, reason]),
  });
  const told = (kind: Told[0]) => log.until((events) => events.find((event) => event[0] === kind));
  return { transport, log, told, ask: askServer(urls.commands, name) };
}

/** Dials, and waits until it is open. */
async function open() {
  const dialled = dial();
  await dialled.told('opened');
  return dialled;
}

/** What the server still had to say to anybody has been said when this resolves. */
async function settle() {
  const { transport, told } = await open();
  transport.send('?');
  await told('frame');
  transport.close(closeCodes.normal, '');
}

describe('the WebSocket of the platform', () => {
  it.each(dialConformance)('$name', async ({ run }) => {
    const name = crypto.randomUUID();
    const ask = askServer(urls.commands, name);
    await run({
      dial: dialWebSocket,
      url: `${urls.peers}?${name}`,
      refusedUrl: urls.refused,
      server: {
        close: (code, reason) => ask('close', { code, reason }),
        kill: () => ask('kill'),
        pause: () => ask('pause'),
        resume: () => ask('resume'),
        closed: () => ask('closed'),
      },
      // More than the buffers of two kernels and of the browser's network service take in.
      congestingBytes: 48 * 1024 * 1024,
      settle,
    });
  });
});

describe('a socket that is open', () => {
  it('carries text and bytes both ways, in order', async () => {
    const { transport, log, ask } = await open();
    transport.send('one');
    transport.send(new Uint8Array([2, 0, 255]));
    transport.send('drei: ä€😀');
    transport.send(new Uint8Array(0));
    await log.until((events) => events.length === 5);
    expect(log.events).toEqual([
      ['opened'],
      ['frame', 'one'],
      ['frame', new Uint8Array([2, 0, 255])],
      ['frame', 'drei: ä€😀'],
      ['frame', new Uint8Array(0)],
    ]);
    await expect(ask('connections')).resolves.toEqual({ now: 1, ever: 1 });
    transport.close(closeCodes.normal, '');
  });

  it('tells the code and the reason with which the server closes', async () => {
    const { log, told, ask } = await open();
    await ask('close', { code: closeCodes.unauthenticated, reason: 'the token is of yesterday' });
    await told('closed');
    await settle();
    expect(log.events).toEqual([
      ['opened'],
      ['closed', closeCodes.unauthenticated, 'the token is of yesterday'],
    ]);
  });

  it('is lost without a reason when the connection is killed', async () => {
    const { log, told, ask } = await open();
    await ask('kill');
    await told('closed');
    expect(log.events).toEqual([['opened'], ['closed', closeCodes.abnormal, '']]);
  });

  it('takes what is sent after it was lost, and tells nothing more', async () => {
    const { transport, log, told, ask } = await open();
    await ask('kill');
    await told('closed');
    transport.send('too late');
    transport.close(closeCodes.normal, 'too late');
    await settle();
    expect(log.events).toHaveLength(2);
  });
});

describe('a dial without success', () => {
  it('ends in closed where nobody listens', async () => {
    const { log, told } = dial(urls.refused);
    await told('closed');
    expect(log.events).toEqual([['closed', closeCodes.abnormal, '']]);
  });

  it('ends in closed, and not in a throw, with a URL that is invalid', async () => {
    const { transport, log, told } = dial('ws://127.0.0.1:99999/');
    expect(log.events).toEqual([]);
    transport.send('to nobody');
    await told('closed');
    expect(log.events).toEqual([['closed', closeCodes.abnormal, expect.stringContaining('SyntaxError')]]);
    transport.close(closeCodes.normal, '');
  });

  it('ends in closed at a port that browsers block', async () => {
    const { log, told } = dial('ws://127.0.0.1:1/');
    await told('closed');
    expect(log.events).toEqual([['closed', closeCodes.abnormal, expect.any(String)]]);
  });
});

describe('a close of our own', () => {
  it('gives the server its code and reason, and tells nothing more', async () => {
    const { transport, log, ask } = await open();
    transport.send('an echo that nobody hears');
    transport.close(closeCodes.heartbeatTimeout, 'no sign of life');
    await expect(ask('closed')).resolves.toEqual({
      code: closeCodes.heartbeatTimeout,
      reason: 'no sign of life',
    });
    await settle();
    expect(log.events).toEqual([['opened']]);
  });

  it('tells nothing before it has opened either', async () => {
    const { transport, log } = dial();
    transport.close(closeCodes.normal, 'changed my mind');
    await settle();
    expect(log.events).toEqual([]);
  });

  it('shortens a reason that is long, and writes it in ASCII', async () => {
    const { transport, ask } = await open();
    transport.close(closeCodes.malformedFrame, `ö: ${'😀'.repeat(300)}`);
    const { code, reason } = await ask('closed');
    expect(code).toBe(closeCodes.malformedFrame);
    expect(reason).toBe('?: '.padEnd(protocolLimits.closeReasonBytes, '?'));
  });

  it.each([
    closeCodes.goingAway,
    closeCodes.protocolError,
    closeCodes.noStatus,
    closeCodes.abnormal,
    closeCodes.tooBig,
    closeCodes.internalError,
  ])('says 1000 instead of %d, which a browser may not send', async (code) => {
    const { transport, ask } = await open();
    transport.close(code, 'why');
    await expect(ask('closed')).resolves.toEqual({ code: closeCodes.normal, reason: 'why' });
  });
});

describe('a server that stops reading', () => {
  // More than the buffers of two kernels and of the browser's network service take in.
  const frame = new Uint8Array(1024 * 1024);
  const frames = 48;

  it('congests the socket until it goes on', async () => {
    const { transport, log, ask } = await open();
    const congestions = () => log.events.filter(([kind]) => kind === 'congestion');
    await expect(ask('pause')).resolves.toBe(0);
    for (let sent = 0; sent < frames; sent += 1) transport.send(frame);
    expect(congestions()).toEqual([['congestion', true]]);
    // Other connections work meanwhile, and this one stays congested.
    await settle();
    const receivedBytes = await ask('resume');
    expect(receivedBytes).toBeLessThan((frames * frame.byteLength) / 2);
    await log.until(() => congestions().length === 2);
    expect(congestions()).toEqual([
      ['congestion', true],
      ['congestion', false],
    ]);
    // Most of it is with the server by then: it did not end by itself.
    await expect(ask('resume')).resolves.toBeGreaterThan((frames * frame.byteLength) / 2);
    transport.close(closeCodes.normal, '');
  });

  it('is not told of any more once the socket is closed', async () => {
    const { transport, log, ask } = await open();
    await ask('pause');
    for (let sent = 0; sent < frames; sent += 1) transport.send(frame);
    transport.close(closeCodes.normal, 'enough');
    await ask('resume');
    await expect(ask('closed')).resolves.toMatchObject({ code: closeCodes.normal });
    await settle();
    expect(log.events).toEqual([['opened'], ['congestion', true]]);
  });
});
