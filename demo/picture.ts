import type { HostKind, OneSocket, SocketStatus } from 'onesocket';
import type { DemoApi } from './contract.ts';
import type { ControlClient } from './control-client.ts';
import { byId, setText } from './dom.ts';
import { atMostEvery, type Render } from './frames.ts';
import { createPulses, type Pulses } from './pulses.ts';
import { createRoundTrip } from './round-trip.ts';
import { showServer } from './server-node.ts';
import { statusWords } from './status-words.ts';
import { createTabList } from './tab-list.ts';
import { createWires, type Wires } from './wires.ts';
import { count } from './words.ts';

/** The live picture. */
export interface Picture {
  readonly render: Render;
  readonly pulses: Pulses;
  readonly wires: Wires;
}

const hosts: Record<HostKind, string> = {
  'shared-worker': 'in a SharedWorker',
  'dedicated-worker': 'in a worker of one tab',
  page: 'in one of the tabs',
};

/** Shows tabs, hub, socket and server as they are. */
export const startPicture = (socket: OneSocket<DemoApi>, control: ControlClient): Picture => {
  const picture = byId('picture', HTMLElement);
  const tabs = createTabList(socket.status.tabId);
  const wires = createWires();
  const pulses = createPulses();
  const roundTrip = createRoundTrip(socket);

  const layOut = (): void => wires.layOut(tabs.elements, socket.status.tabId);
  new ResizeObserver(layOut).observe(picture);

  const show = atMostEvery(100, () => {
    const { status } = socket;
    const words = statusWords(status, control.state, Date.now(), roundTrip.lastMs);
    picture.dataset['tone'] = words.tone;
    setText(byId('socket-state', HTMLElement), words.label);
    setText(byId('socket-detail', HTMLElement), words.detail);
    setText(byId('sentence', HTMLElement), words.sentence);
    setText(byId('fault', HTMLElement), faultOf(status));
    showHub(status);
    showServer(control.state, performance.now());
    wires.show(status.state === 'open' && !control.state?.frozen, control.state?.cut ?? false);
    if (tabs.show(status.tabs)) layOut();
  });

  return {
    pulses,
    wires,
    render(now) {
      show(now);
      pulses.render(now);
    },
  };
};

const showHub = (status: SocketStatus): void => {
  setText(byId('hub-host', HTMLElement), status.host === null ? 'attaching' : hosts[status.host]);
  setText(byId('topics', HTMLElement), count(status.topics));
  setText(byId('queue', HTMLElement), count(status.queue.entries));
  byId('queue-fact', HTMLElement).dataset['tone'] = status.queue.entries > 0 ? 'wait' : 'off';
};

const faultOf = ({ state, lastError }: SocketStatus): string =>
  state === 'open' || lastError === null ? '' : `${lastError.code}: ${lastError.message}`;
