import { expose, wrap, type Remote } from 'comlink';
import type { Call, Channel, OpenChannel } from '../../worker/channel.ts';
import { hubEndpoint } from '../../worker/channel-endpoint.ts';
import type { AttachReply, AttachRequest, HubApi, TabApi, TabOp } from '../../worker/core/hub-api.ts';
import { tabChannel } from '../../worker/names.ts';
import { deferred, type Deferred } from '../deferred.ts';

/** Channels within one test, where messages come as late as in a browser: never in the turn of the post. */
export function scriptedChannels() {
  const open = new Map<string, Set<(message: unknown) => void>>();

  const openChannel: OpenChannel = (name, heard): Channel => {
    const all = open.get(name) ?? new Set();
    open.set(name, all.add(heard));
    return {
      post(message) {
        const copy: unknown = structuredClone(message);
        for (const other of all) {
          if (other !== heard) queueMicrotask(() => all.has(other) && other(copy));
        }
      },
      close: () => void all.delete(heard),
    };
  };
  /** How many listen under this name. */
  const listening = (name: string) => open.get(name)?.size ?? 0;
  return { openChannel, listening };
}

/** A hub on the channel that answers as its test tells it: `connect` by joining, and attaches by `answer`. */
export function hubOnChannel(openChannel: OpenChannel, hubName: string, hubId: string) {
  const attaches: AttachRequest[] = [];
  const answers: Deferred<AttachReply>[] = [];
  const connects: number[] = [];
  const ops: TabOp[] = [];
  const detached: string[] = [];
  const api: HubApi = {
    attach(request) {
      attaches.push(request);
      const answer = deferred<AttachReply>();
      answers.push(answer);
      return answer.promise;
    },
    push(_hubId, _tabId, batch) {
      ops.push(...batch);
      return 'taken';
    },
    detach: (_hubId, tabId) => void detached.push(tabId),
  };
  let end: ReturnType<typeof hubEndpoint> | null = null;
  let tab: Remote<TabApi> | null = null;
  let attempt = 0;

  const shared = openChannel(hubName, (message) => {
    const call = message as Call;
    if (call.kind !== 'connect') return;
    connects.push(call.attempt);
    if (end && call.attempt === attempt) return end.join();
    end?.close();
    attempt = call.attempt;
    end = hubEndpoint(openChannel, tabChannel(hubName, call.tabId), hubId);
    tab = wrap<TabApi>(end);
    expose(api, end);
  });
  return {
    attaches,
    connects,
    ops,
    detached,
    tab: () => tab,
    /** Answers the last attach. */
    answer: (reply: AttachReply) => answers.at(-1)!.resolve(reply),
    say: (call: Call) => shared.post(call),
    die() {
      end?.close();
      shared.close();
    },
  };
}
