import { publishTopic, topic, type Peer } from './contract.ts';
import { textFrame } from './frame.ts';

/** How a connection of the crowd speaks with one kind of server. */
interface Dialect {
  readonly path: string;
  readonly headers: readonly string[];
  /** What the server has sent once the connection is upgraded. */
  readonly upgraded: string;
  /** What is said then, and what the server has sent once it has taken it. None where there is nothing to say. */
  readonly join?: { readonly greeting: (index: number) => Buffer; readonly joined: string };
  /** Messages with these numbers, of which the server is to acknowledge each. */
  publish(first: number, count: number): Buffer;
}

const numbers = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, n) => first + n);

/** The same content on each side, about 60 bytes. */
const content = (n: number) => ({ n, order: 'limit', symbol: 'ACME', price: 101.25 });

export const dialects: Readonly<Record<Peer, Dialect>> = {
  ours: {
    path: '/realtime',
    headers: ['Sec-WebSocket-Protocol: onesocket.v1'],
    upgraded: '101 Switching Protocols',
    join: { greeting: (index) => textFrame(JSON.stringify(hello(index))), joined: '"subscribed"' },
    // As a hub does it: what the window has room for travels in one frame.
    publish: (first, count) =>
      textFrame(
        JSON.stringify(
          numbers(first, count).map((seq) => ({
            type: 'publish',
            id: `m${seq}`,
            ts: 1,
            topic: publishTopic,
            seq,
            payload: content(seq),
          })),
        ),
      ),
  },
  direct: {
    path: '/direct',
    headers: [],
    upgraded: '101 Switching Protocols',
    publish: (first, count) =>
      Buffer.concat(numbers(first, count).map((seq) => textFrame(JSON.stringify({ seq, ...content(seq) })))),
  },
  'socket.io': {
    path: '/socket.io/?EIO=4&transport=websocket',
    headers: [],
    // Engine.IO's open packet comes with the upgrade; "40" then opens the main namespace of Socket.IO.
    upgraded: '0{"sid"',
    join: { greeting: () => textFrame('40'), joined: '40{"sid"' },
    publish() {
      throw new Error('socket.io is not asked for acknowledgements');
    },
  },
};

const hello = (index: number): object[] => {
  const clientId = `crowd-${index}`;
  const payload = {
    versions: [1],
    features: ['batch'],
    clientId,
    clientEpoch: 1,
    acked: 0,
    window: 1024,
    auth: 'none',
  };
  return [
    { id: '1', ts: 1, type: 'hello', payload },
    { id: '2', ts: 1, type: 'subscribe', topic },
  ];
};

/** The request that upgrades a connection. */
export const handshake = ({ path, headers }: Dialect): string =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
    '\r\n',
  ].join('\r\n');
