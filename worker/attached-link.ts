import type { Clock } from './clock.ts';
import type { TokenReply } from './core/token-types.ts';
import { withDeadline } from './deadline.ts';
import * as workerLimits from './limits.ts';
import type { TabLink } from './tab-link.ts';

/** The link of a tab, from its attachment until it attaches anew or is gone. */
export interface AttachedLink {
  readonly link: TabLink;
  /** Settles with `leave`. */
  readonly left: Promise<void>;
  leave(): void;
}

/** Makes it; `unwatch` is called with `leave`. */
export function attachedLink(link: TabLink, unwatch: () => void): AttachedLink {
  let settle!: () => void;
  const left = new Promise<void>((resolve) => (settle = resolve));
  return {
    link,
    left,
    leave() {
      unwatch();
      settle();
    },
  };
}

/**
 * Asks a tab for a token; undefined where it gives none in time, or is gone. One that attaches over another link is asked
 * again over that: a tab for which the hub starts too slowly has closed the port of its first attempt, which is served first.
 */
export async function tokenOf(
  attached: () => AttachedLink | undefined,
  clock: Pick<Clock, 'after'>,
): Promise<TokenReply | undefined> {
  let isOver = false;
  async function ask(): Promise<TokenReply | undefined> {
    let asked: { readonly link: TabLink; readonly reply: Promise<TokenReply> } | undefined;
    for (let at = attached(); at && !isOver; at = attached()) {
      if (asked?.link !== at.link) asked = { link: at.link, reply: at.link.tab.token() };
      const reply = await Promise.race([asked.reply, at.left]);
      if (reply) return reply;
    }
    return undefined;
  }
  try {
    return await withDeadline(ask(), workerLimits.tokenTimeoutMs, clock);
  } finally {
    isOver = true;
  }
}
