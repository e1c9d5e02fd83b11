import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { createServer, type StoredMessage } from 'onesocket/server';
import { fileBackbone } from 'onesocket/server/file';
import { serveParent } from '../../demo/backend/parent-channel.ts';
import { GuardedBackbone } from './guarded-backbone.ts';
import { largeTexts, mimeOf } from './large.ts';
import * as chaosLimits from './limits.ts';
import {
  chaosServerVariable,
  type ChaosServerCommand,
  type ChaosServerSettings,
  type HeldMessages,
  type Opening,
  type ServerFacts,
} from './server-contract.ts';

// The server of a chaos run: a process of its own that keeps everything on the disk, to be killed and frozen.

const { folder, breaks }: ChaosServerSettings = JSON.parse(process.env[chaosServerVariable]!);

const linesOf = (file: string): string[] =>
  existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];

// Written at once, so that the next process knows what this one has seen.
const openingsFile = join(folder, 'openings');
const violationsFile = join(folder, 'violations');
const openings: Opening[] = linesOf(openingsFile).map((line) => JSON.parse(line));

const bounds = {
  historyMessages: chaosLimits.historyMessages,
  historyBytes: chaosLimits.historyBytes,
  totalHistoryBytes: chaosLimits.historyBytes,
};

const inner = await fileBackbone(join(folder, 'backbone'), { limits: bounds });
const backbone = new GuardedBackbone(
  inner,
  {
    openings,
    opened: (opening) => {
      openings.push(opening);
      appendFileSync(openingsFile, `${JSON.stringify(opening)}\n`);
    },
    violated: (text) => appendFileSync(violationsFile, `${text}\n`),
    after: (delayMs, run) => void setTimeout(run, delayMs),
  },
  breaks,
);

const onesocket = createServer({
  backbone,
  limits: bounds,
  heartbeatMs: 2_000,
  logger: {
    debug() {},
    info() {},
    warn() {},
    error: (...entry) => void process.stderr.write(`${inspect(entry)}\n`),
  },
});

/** The payload of a message as text; one of a binary frame lies behind its header (docs/PROTOCOL.md, Binary frames). */
const payloadOf = ({ frame }: StoredMessage): string => {
  if (typeof frame === 'string') return JSON.stringify(JSON.parse(frame).payload);
  const bytes = Buffer.from(frame);
  return bytes.subarray(5 + bytes.readUInt32BE(1)).toString();
};

const heldOf = (epoch: string, message: StoredMessage): HeldMessages['messages'][number] => {
  const { offset, large } = message;
  if (!large) return [epoch, offset, JSON.parse(payloadOf(message)).entry];
  const { form, size: bytes, mime } = large;
  const text = Buffer.concat(large.parts).toString();
  // Nothing in it needs an escape.
  const { entry, problem } = largeTexts.check(form, form === 'json' ? text.slice(1, -1) : text);
  const isNamed = form !== 'blob' || mime === mimeOf(entry);
  return [
    epoch,
    offset,
    entry,
    { form, bytes, problem: problem ?? (isNamed ? null : `its type is ${mime}`) },
  ];
};

const read = async (topic: string, after: number): Promise<HeldMessages> => {
  const {
    offset: newest,
    epoch,
    messages,
  } = await inner.read(topic, after, {
    maxMessages: chaosLimits.readMessages,
    maxBytes: 8 * 1024 ** 2,
  });
  return {
    newest,
    messages: messages.map((message) => heldOf(epoch, message)),
  };
};

const facts = (): ServerFacts => {
  const { connections, duplicates } = onesocket.stats();
  return { openings, violations: linesOf(violationsFile), connections, duplicates };
};

const httpServer = createHttpServer();
onesocket.attach(httpServer, { path: '/realtime' });
httpServer.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () =>
  serveParent((httpServer.address() as AddressInfo).port, (message) => {
    const command = message as ChaosServerCommand;
    return command.kind === 'read' ? read(command.topic, command.after) : facts();
  }),
);
