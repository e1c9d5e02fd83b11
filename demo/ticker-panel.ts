import type { OneSocket, Subscription } from 'onesocket';
import type { DemoApi, Tick } from './contract.ts';
import { byId, make, setText } from './dom.ts';
import { atMostEvery, type Render } from './frames.ts';
import { createSparkline } from './sparkline.ts';
import { createTickerMeter, type TickerReading } from './ticker-meter.ts';
import { count, latency, plural } from './words.ts';

/** The ticker. */
export interface TickerPanel {
  readonly subscription: Subscription<Tick>;
  readonly render: Render;
}

/** Counts and shows 1,000 messages per second. */
export const startTicker = (socket: OneSocket<DemoApi>): TickerPanel => {
  const meter = createTickerMeter();
  const draw = createSparkline();
  const show = createReadout();
  const subscription = socket.subscribe('ticker');
  subscription.onMessage((message) => {
    meter.received(message, Math.max(0, Date.now() - message.ts), performance.now());
  });
  subscription.onGap((gap) => meter.announced(gap));

  return {
    subscription,
    render: atMostEvery(250, (now) => {
      const reading = meter.read(now);
      show(reading);
      draw(reading.bins);
    }),
  };
};

const createReadout = (): ((reading: TickerReading) => void) => {
  const rate = byId('rate', HTMLElement);
  const received = byId('received', HTMLElement);
  const holes = byId('holes', HTMLElement);
  const holesFact = byId('holes-fact', HTMLElement);
  const gaps = byId('gaps', HTMLElement);
  const delay = byId('delay', HTMLElement);
  const values = byId('values', HTMLTableSectionElement);
  return (reading) => {
    setText(rate, count(Math.round(reading.perSecond)));
    setText(received, count(reading.received));
    setText(holes, count(reading.holes));
    holesFact.dataset['tone'] = reading.holes === 0 ? 'good' : 'bad';
    setText(
      gaps,
      reading.missed === 0
        ? count(reading.gaps)
        : `${count(reading.gaps)} (${plural(reading.missed, 'message')})`,
    );
    setText(delay, reading.delayMs === null ? '–' : latency(reading.delayMs));
    values.replaceChildren(
      ...reading.latest.map(({ offset, price }) =>
        make('tr', '', make('td', '', count(offset)), make('td', '', price.toFixed(3))),
      ),
    );
  };
};
