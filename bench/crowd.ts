import { serveParent } from '../demo/backend/parent-channel.ts';
import type { CrowdCommand, Peer } from './contract.ts';
import { Member } from './crowd-member.ts';

// Thousands of connections in a process of their own. They speak as little of WebSocket as they need to (RFC 6455), so that
// what is measured is the server: a client library would need more of the machine than any side does.

/** How many connections are under way at one time; the server's backlog takes 511. */
const atOnce = 200;

let members: Member[] = [];
let heard: Promise<number> | undefined;
/** Number of the next message of each member. */
let next = 1;

async function gather(peer: Peer, port: number, count: number): Promise<void> {
  while (members.length < count) {
    const first = members.length;
    const wave = Array.from(
      { length: Math.min(atOnce, count - first) },
      (_, n) => new Member(port, first + n),
    );
    members.push(...wave);
    await Promise.all(wave.map((member, n) => member.join(peer, first + n)));
  }
}

async function hear(mark: string): Promise<number> {
  await Promise.all(members.map((member) => member.hear(mark)));
  return Date.now();
}

/** Milliseconds until every member has so many acknowledgements. */
async function publish(peer: Peer, count: number, window: number): Promise<number> {
  const first = next;
  next += count;
  const begun = performance.now();
  await Promise.all(members.map((member) => member.publish(peer, first, count, window)));
  return performance.now() - begun;
}

function leave(): void {
  for (const member of members) member.leave();
  members = [];
  next = 1;
}

serveParent(0, async (asked) => {
  const command = asked as CrowdCommand;
  switch (command.kind) {
    case 'gather':
      return gather(command.peer, command.port, command.count);
    case 'listen':
      return void (heard = hear(command.mark));
    case 'heard':
      return heard;
    case 'publish':
      return publish(command.peer, command.count, command.window);
    case 'leave':
      return leave();
    default:
      return command satisfies never;
  }
});
