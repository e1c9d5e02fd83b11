import type { TabItem, TabOp } from '../worker/core/hub-api.ts';
import type { Member } from '../worker/core/news-types.ts';
import { deferred } from './deferred.ts';
import { failure } from './failure.ts';
import { Handlers } from './handlers.ts';
import { checkName } from './options.ts';
import type { Outlet } from './outlet.ts';
import { ConnectionError } from './protocol/errors.ts';
import * as protocolLimits from './protocol/limits.ts';
import type { Presence } from './types.ts';

/** What the hub tells of a presence list. */
type PresenceItem = Extract<TabItem, { watch: number }>;
type PresenceChangeItem = Extract<PresenceItem, { kind: 'presence-change' }>;

/** A presence list as its tab keeps it. */
interface TabPresence {
  readonly list: Presence;
  resumeOp(): TabOp;
  tell(item: PresenceItem): void;
  end(error: ConnectionError): void;
}

function createPresence(
  watch: number,
  topic: string,
  send: (op: TabOp) => void,
  onEnd: () => void,
): TabPresence {
  const first = deferred<void>();
  const [joins, leaves, ends] = [
    new Handlers<Member>(),
    new Handlers<Member>(),
    new Handlers<ConnectionError>(),
  ];
  let members = new Map<string, Member>();
  let count = 0;
  let hasList = false;

  /** Tells apart what a new list says and what it does not: one that is cut names the first of them alone. */
  function replace(next: Map<string, Member>, nextCount: number): void {
    const former = members;
    const wasWhole = former.size >= count;
    const isWhole = next.size >= nextCount;
    const isFirst = !hasList;
    members = next;
    count = nextCount;
    hasList = true;
    if (isFirst) return first.resolve();
    for (const member of isWhole ? former.values() : []) if (!next.has(member.identity)) leaves.tell(member);
    for (const member of wasWhole ? next.values() : []) if (!former.has(member.identity)) joins.tell(member);
  }

  function add(member: Member): void {
    if (members.size < protocolLimits.members) members.set(member.identity, member);
  }

  function change({ joined, left, named, count: next }: PresenceChangeItem): void {
    count = next;
    if (left) members.delete(left.identity);
    // Has been there all along: nobody is told of a join.
    if (named) add(named);
    if (left) leaves.tell(left);
    if (!joined || members.has(joined.identity)) return;
    add(joined);
    joins.tell(joined);
  }

  function end(error: ConnectionError): void {
    onEnd();
    first.reject(error);
    if (error.code !== 'closed') ends.tell(error);
    for (const handlers of [joins, leaves, ends]) handlers.clear();
  }

  return {
    list: {
      topic,
      ready: first.promise,
      get members() {
        return [...members.values()];
      },
      get count() {
        return count;
      },
      onJoin: joins.add,
      onLeave: leaves.add,
      onEnd: ends.add,
      close() {
        send({ kind: 'unwatch', watch });
        end(failure('closed', 'closed'));
      },
    },
    resumeOp: () => ({ kind: 'watch', watch, topic, resumes: hasList }),
    end,
    tell: (item) => tellItem({ replace, change, end }, item),
  };
}

/** What an item does to its list. */
interface Steps {
  replace(members: Map<string, Member>, count: number): void;
  change(change: PresenceChangeItem): void;
  end(error: ConnectionError): void;
}

function tellItem(steps: Steps, item: PresenceItem): void {
  switch (item.kind) {
    case 'presence':
      return steps.replace(new Map(item.members.map((member) => [member.identity, member])), item.count);
    case 'presence-change':
      return steps.change(item);
    case 'presence-ended':
      return steps.end(new ConnectionError(item.error));
    default:
      return item satisfies never;
  }
}

/** The presence lists that a tab follows. */
export function createPresences({ push, ended }: Outlet) {
  const open = new Map<number, TabPresence>();
  let count = 0;

  return {
    presence(topic: string): Presence {
      checkName('topic', topic, protocolLimits.topicLength);
      const watch = (count += 1);
      const presence = createPresence(watch, topic, push, () => open.delete(watch));
      open.set(watch, presence);
      push(presence.resumeOp());
      const error = ended();
      if (error) presence.end(error);
      return presence.list;
    },

    tell: (item: PresenceItem): void => open.get(item.watch)?.tell(item),

    resume: (): TabOp[] => Array.from(open.values(), (presence) => presence.resumeOp()),

    end(error: ConnectionError): void {
      for (const presence of open.values()) presence.end(error);
    },
  };
}
