import type { OneSocket } from 'onesocket';
import type { DemoApi } from './contract.ts';
import type { ControlClient } from './control-client.ts';
import { byId, setText } from './dom.ts';
import { atMostEvery, type Render } from './frames.ts';
import { createHubNode } from './hub-node.ts';
import { createPulses, type Pulses } from './pulses.ts';
import { createRoundTrip } from './round-trip.ts';
import { createServerNode } from './server-node.ts';
import { statusWords } from './status-words.ts';
import { createTabList } from './tab-list.ts';
import { createWires, type Wires } from './wires.ts';

/** The live picture. */
export interface Picture {
  readonly render: Render;
  readonly pulses: Pulses;
  readonly wires: Wires;
}

/** Shows tabs, hub, socket and server as they are. */
export const startPicture = (socket: OneSocket<DemoApi>, control: ControlClient): Picture => {
  const picture = byId('picture', HTMLElement);
  const state = byId('socket-state', HTMLElement);
  const detail = byId('socket-detail', HTMLElement);
  const sentence = byId('sentence', HTMLElement);
  const fault = byId('fault', HTMLElement);
  const { tabId } = socket.status;
  const tabs = createTabList(tabId);
  const showHub = createHubNode();
  const showServer = createServerNode();
  const wires = createWires();
  const pulses = createPulses();
  const roundTrip = createRoundTrip(socket);

  const layOut = (): void => wires.layOut(tabs.elements, tabId);
  new ResizeObserver(layOut).observe(picture);

  const show = atMostEvery(100, (now) => {
    const { status } = socket;
    const words = statusWords(status, control.state, Date.now(), roundTrip.lastMs);
    picture.dataset['tone'] = words.tone;
    setText(state, words.label);
    setText(detail, words.detail);
    setText(sentence, words.sentence);
    setText(fault, words.fault);
    showHub(status);
    showServer(control.state, now);
    wires.show(status.state === 'open', control.state?.cut ?? false);
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
