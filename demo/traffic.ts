import type { OneSocket, Subscription } from 'onesocket';
import type { ChatText, DemoApi, Tick } from './contract.ts';
import type { Picture } from './picture.ts';

const tickerPulseEveryMs = 450;

/** Sends a dot through the picture for every chat message, and one for every few hundred of the ticker's. */
export const startTraffic = (
  socket: OneSocket<DemoApi>,
  chat: Subscription<ChatText>,
  ticker: Subscription<Tick>,
  { pulses, wires }: Pick<Picture, 'pulses' | 'wires'>,
): { published(): void } => {
  const down = (tabId: string | null): void => {
    const toTabs = (): void => {
      for (const wire of wires.tabs.values()) pulses.send({ wire, down: true, tabId });
    };
    pulses.send({ wire: wires.line, down: true, tabId, onArrive: toTabs });
  };

  let lastAt = 0;
  ticker.onMessage(() => {
    const now = performance.now();
    if (now - lastAt < tickerPulseEveryMs) return;
    lastAt = now;
    down(null);
  });
  chat.onMessage(({ payload }) => down(payload.tabId));

  return {
    published() {
      const { tabId } = socket.status;
      const wire = wires.tabs.get(tabId);
      if (wire === undefined) return;
      // Without a connection the dot ends at the hub, which is where the message is.
      const onward = (): void => {
        if (socket.status.state === 'open') pulses.send({ wire: wires.line, down: false, tabId });
      };
      pulses.send({ wire, down: false, tabId, onArrive: onward });
    },
  };
};
