import { connect, type Socket } from 'node:net';
import { serveParent } from '../demo/backend/parent-channel.ts';
import { topic, type CrowdCommand, type Side } from './contract.ts';

// Thousands of connections in a process of their own. They speak as little of WebSocket as they need to (RFC 6455), so that
// what is measured is the server: a client library would need more of the machine than either side does.

/** How many connections are under way at one time; the server's backlog takes 511. */
const atOnce = 200;
/** Addresses that they come from: each has fewer ports than are wanted in all. */
const addresses = 20;
/** Enough of what came before to find a mark that two chunks share. */
const tailLength = 32;

let members: Member[] = [];

/** One connection of the crowd. */
class Member {
  readonly #socket: Socket;
  #tail = '';
  #mark = '';
  #heard: () => void = () => {};

  constructor(port: number, index: number) {
    const localAddress = `127.0.1.${1 + (index % addresses)}`;
    this.#socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
    this.#socket.setEncoding('latin1').on('data', (chunk: unknown) => this.#read(String(chunk)));
    this.#socket.on('error', (error) => {
      throw error;
    });
  }

  /** Settles once the server has sent this text, from now on. */
  hear(mark: string): Promise<void> {
    this.#tail = '';
    this.#mark = mark;
    return new Promise((resolve) => (this.#heard = resolve));
  }

  /** Upgrades the connection and, on our side, subscribes to the topic of the bench. */
  async join(side: Side, index: number): Promise<void> {
    const upgraded = this.hear('101 Switching Protocols');
    this.#socket.write(handshake(side));
    await upgraded;
    if (side === 'direct') return;
    const subscribed = this.hear('"subscribed"');
    this.#socket.write(textFrame(JSON.stringify(greeting(index))));
    await subscribed;
  }

  leave(): void {
    this.#socket.destroy();
  }

  #read(chunk: string): void {
    if (!this.#mark) return;
    const text = this.#tail + chunk;
    this.#tail = text.slice(-tailLength);
    if (!text.includes(this.#mark)) return;
    this.#mark = '';
    this.#heard();
  }
}

const handshake = (side: Side): string =>
  [
    `GET /${side === 'ours' ? 'realtime' : 'direct'} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...(side === 'ours' ? ['Sec-WebSocket-Protocol: onesocket.v1'] : []),
    '\r\n',
  ].join('\r\n');

const greeting = (index: number): object[] => {
  const clientId = `crowd-${index}`;
  const hello = {
    versions: [1],
    features: ['batch'],
    clientId,
    clientEpoch: 1,
    acked: 0,
    window: 1024,
    auth: 'none',
  };
  return [
    { id: '1', ts: 1, type: 'hello', payload: hello },
    { id: '2', ts: 1, type: 'subscribe', topic },
  ];
};

/** A frame of 126 to 65,535 bytes, masked with zeros. */
function textFrame(text: string): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(0x81_fe);
  head.writeUInt16BE(Buffer.byteLength(text), 2);
  return Buffer.concat([head, Buffer.from(text)]);
}

async function gather(side: Side, port: number, count: number): Promise<void> {
  while (members.length < count) {
    const first = members.length;
    const wave = Array.from(
      { length: Math.min(atOnce, count - first) },
      (_, n) => new Member(port, first + n),
    );
    members.push(...wave);
    await Promise.all(wave.map((member, n) => member.join(side, first + n)));
  }
}

async function hear(mark: string): Promise<number> {
  await Promise.all(members.map((member) => member.hear(mark)));
  return Date.now();
}

function leave(): void {
  for (const member of members) member.leave();
  members = [];
}

let heard: Promise<number> | undefined;

serveParent(0, async (asked) => {
  const command = asked as CrowdCommand;
  if (command.kind === 'gather') return gather(command.side, command.port, command.count);
  if (command.kind === 'leave') return leave();
  if (command.kind === 'listen') return void (heard = hear(command.mark));
  return heard;
});
