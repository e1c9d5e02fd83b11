import type { OneSocket } from 'onesocket';
import type { ChatPanel } from './chat-panel.ts';
import type { DemoApi } from './contract.ts';
import type { Picture } from './picture.ts';
import type { TickerPanel } from './ticker-panel.ts';

const tickerPulseEveryMs = 450;

/** Sends a dot through the picture for every chat message, and one for every few hundred of the ticker's. */
export const startTraffic = (
  socket: OneSocket<DemoApi>,
  { pulses, wires }: Picture,
  chat: ChatPanel,
  ticker: TickerPanel,
): void => {
  const down = (tabId: string | null): void => {
    const toTabs = (): void => {
      for (const wire of wires.tabs.values()) pulses.send({ wire, down: true, tabId });
    };
    pulses.send({ wire: wires.line, down: true, tabId, onArrive: toTabs });
  };

  const up = (tabId: string): void => {
    const wire = wires.tabs.get(tabId);
    // Without a connection the dot ends at the hub, which is where the message is.
    const onward = (): void => {
      if (socket.status.state === 'open') pulses.send({ wire: wires.line, down: false, tabId });
    };
    if (wire !== undefined) pulses.send({ wire, down: false, tabId, onArrive: onward });
  };

  let lastAt = 0;
  ticker.subscription.onMessage(() => {
    const now = performance.now();
    if (now - lastAt < tickerPulseEveryMs) return;
    lastAt = now;
    down(null);
  });
  chat.subscription.onMessage(({ payload }) => down(payload.tabId));
  chat.onPublish(() => up(socket.status.tabId));
};
