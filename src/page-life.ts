import type { PageSignal } from '../worker/core/hub-api.ts';
import type { HubConnector } from './hub-connector.ts';
import type { TabWorld } from './tab-world.ts';

/** Follows the life of the page until `signal` aborts: it takes this tab along, and its hub has to hear of it. */
export function followPage(
  world: Pick<TabWorld, 'watchPage'>,
  connector: HubConnector,
  signal: AbortSignal,
): void {
  const { attach, leave, push } = connector;
  /** Takes up again what was handed over because nobody should wait for a frozen page. */
  let thaw = () => {};

  world.watchPage(
    {
      signal(name: PageSignal) {
        if (name === 'resume') {
          thaw();
          thaw = () => {};
        }
        push({ kind: 'signal', signal: name });
      },
      hidden: leave,
      restored: attach,
      frozen() {
        const { hosts } = connector;
        if (hosts.hasEngine()) {
          leave();
          thaw = () => void attach();
        } else if (hosts.withdraw()) {
          // The hub of another tab stays this tab's, but the lock must not fall to it.
          thaw = hosts.stand;
        }
      },
    },
    signal,
  );
}
