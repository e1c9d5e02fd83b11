import * as closeCodes from '../../src/protocol/close-codes.ts';
import type { Dial, Transport } from '../transport.ts';
import { EventLog } from './event-log.ts';

type Told =
  | readonly ['opened']
  | readonly ['frame', string | Uint8Array]
  | readonly ['congestion', boolean]
  | readonly ['closed', number, string];

/** What the adapter's own test brings along: a way to dial, and a server that sends back what it gets. */
export interface DialUnderTest {
  readonly dial: Dial;
  /** A URL whose connection `server` rules, and one where nobody listens. */
  readonly url: string;
  readonly refusedUrl: string;
  readonly server: {
    close(code: number, reason: string): Promise<unknown>;
    /** Ends the connection without a close frame. */
    kill(): Promise<unknown>;
    /** Stops reading, and reads on. */
    pause(): Promise<unknown>;
    resume(): Promise<unknown>;
    /** With what the hub closed, once it has. */
    closed(): Promise<{ readonly code: number; readonly reason: string }>;
  };
  /** More bytes than the way to a server that does not read takes in. */
  readonly congestingBytes: number;
  /** What was on its way to anybody has arrived when this settles. */
  settle(): Promise<unknown>;
}

/** One rule. */
export interface DialCase {
  /** A sentence in the present tense. */
  readonly name: string;
  readonly run: (test: DialUnderTest) => Promise<void>;
}

function begin({ dial, url }: Pick<DialUnderTest, 'dial' | 'url'>) {
  const log = new EventLog<Told>();
  const transport = dial(url, {
    opened: () => log.add(['opened']),
    frame: (data) => log.add(['frame', data]),
    congestion: (isCongested) => log.add(['congestion', isCongested]),
    closed: (code, reason) => log.add(['closed', code, reason]),
  });
  const told = (kind: Told[0]) => log.until((events) => events.find((event) => event[0] === kind));
  return { log, transport, told };
}

async function open(test: DialUnderTest) {
  const begun = begin(test);
  await begun.told('opened');
  return begun;
}

function same(log: EventLog<Told>, expected: readonly unknown[]): void {
  const text = (value: unknown) =>
    JSON.stringify(value, (_key, part: unknown) => (part instanceof Uint8Array ? [...part] : part));
  if (text(log.events) !== text(expected)) {
    throw new Error(`expected ${text(expected)}, got ${text(log.events)}`);
  }
}

const openCases: readonly DialCase[] = [
  {
    name: 'carries text and bytes both ways, in order',
    run: async (test) => {
      const { transport, log } = await open(test);
      const frames = ['one', new Uint8Array([2, 0, 255]), 'drei: ä€😀', new Uint8Array(0)];
      for (const frame of frames) transport.send(frame);
      await log.until((events) => events.length === 5);
      same(log, [['opened'], ...frames.map((frame) => ['frame', frame])]);
      transport.close(closeCodes.normal, '');
    },
  },
  {
    name: 'tells the code and the reason with which the server closes',
    run: async (test) => {
      const { log, told } = await open(test);
      await test.server.close(closeCodes.unauthenticated, 'the token is of yesterday');
      await told('closed');
      await test.settle();
      same(log, [['opened'], ['closed', closeCodes.unauthenticated, 'the token is of yesterday']]);
    },
  },
  {
    name: 'is lost without a reason when the connection is killed, and tells nothing more',
    run: async (test) => {
      const { transport, log, told } = await open(test);
      await test.server.kill();
      await told('closed');
      transport.send('too late');
      transport.close(closeCodes.normal, 'too late');
      await test.settle();
      same(log, [['opened'], ['closed', closeCodes.abnormal, '']]);
    },
  },
  {
    name: 'ends in closed where nobody listens',
    run: async (test) => {
      const { log, told } = begin({ dial: test.dial, url: test.refusedUrl });
      await told('closed');
      same(log, [['closed', closeCodes.abnormal, '']]);
    },
  },
];

const closeCases: readonly DialCase[] = [
  {
    name: 'gives the server its code and reason, and tells nothing more',
    run: async (test) => {
      const { transport, log } = await open(test);
      transport.send('an echo that nobody hears');
      transport.close(closeCodes.heartbeatTimeout, 'no sign of life');
      const { code, reason } = await test.server.closed();
      if (code !== closeCodes.heartbeatTimeout || reason !== 'no sign of life') {
        throw new Error(`the server heard ${code} ${reason}`);
      }
      await test.settle();
      same(log, [['opened']]);
    },
  },
  {
    name: 'tells nothing when closed before it has opened',
    run: async (test) => {
      const { transport, log } = begin(test);
      transport.close(closeCodes.normal, 'changed my mind');
      await test.settle();
      same(log, []);
    },
  },
];

const congestionCases: readonly DialCase[] = [
  {
    name: 'congests while the server does not read, and goes on with it',
    run: async (test) => {
      const { transport, log } = await open(test);
      const congestions = () => log.events.filter(([kind]) => kind === 'congestion').length;
      await test.server.pause();
      sendMuch(transport, test.congestingBytes);
      if (congestions() !== 1) throw new Error(`told ${congestions()} times that it is congested`);
      await test.server.resume();
      await log.until(() => congestions() === 2);
      transport.close(closeCodes.normal, '');
    },
  },
  {
    name: 'tells nothing of its buffer once it is closed',
    run: async (test) => {
      const { transport, log } = await open(test);
      await test.server.pause();
      sendMuch(transport, test.congestingBytes);
      transport.close(closeCodes.normal, 'enough');
      await test.server.resume();
      await test.server.closed();
      await test.settle();
      same(log, [['opened'], ['congestion', true]]);
    },
  },
];

const parts = 48;

function sendMuch(transport: Transport, bytes: number): void {
  const frame = new Uint8Array(bytes / parts);
  for (let count = 0; count < parts; count += 1) transport.send(frame);
}

/** What every adapter of {@link Dial} must do, the simulation's included: cases that any test runner can run. */
export const dialConformance: readonly DialCase[] = [...openCases, ...closeCases, ...congestionCases];
