import type { OneSocket } from 'onesocket';
import type { ControlAction, ControlState, DemoApi } from './contract.ts';
import type { ControlClient } from './control-client.ts';
import { byId, make, setText } from './dom.ts';
import { atMostEvery, type Render } from './frames.ts';

interface Toggle {
  readonly kind: 'toggle';
  readonly isOn: (state: ControlState) => boolean;
  readonly off: { readonly label: string; readonly action: ControlAction };
  readonly on: { readonly label: string; readonly action: ControlAction };
  readonly hint: string;
}

interface Press {
  readonly kind: 'press';
  readonly label: string;
  readonly hint: string;
  readonly run: () => Promise<void>;
}

const controlsOf = (socket: OneSocket<DemoApi>, control: ControlClient): readonly (Toggle | Press)[] => [
  {
    kind: 'toggle',
    isOn: ({ cut }) => cut,
    off: { label: 'Cut the network', action: 'cut' },
    on: { label: 'Heal the network', action: 'heal' },
    hint: 'Resets the connection. Keep chatting: messages wait in the outbox. Heal within a minute, and the ticker has no holes.',
  },
  {
    kind: 'toggle',
    isOn: ({ frozen }) => frozen,
    off: { label: 'Freeze the server', action: 'freeze' },
    on: { label: 'Thaw the server', action: 'thaw' },
    hint: 'SIGSTOP: the socket stays open and nothing answers. After five seconds the heartbeat gives it up.',
  },
  {
    kind: 'press',
    label: 'Restart the server',
    run: () => control.act('restart'),
    hint: 'kill -9, then a new process that remembers nothing. Every tab is told that messages are missing, never left guessing.',
  },
  {
    kind: 'press',
    label: 'Reconnect now',
    run: () => socket.reconnect(),
    hint: 'Ends the wait for the next attempt. One tab asks, and all of them are connected.',
  },
];

/** The buttons with which a visitor breaks things. */
export const startControls = (socket: OneSocket<DemoApi>, control: ControlClient): Render => {
  const list = byId('controls', HTMLUListElement);
  const fault = byId('control-fault', HTMLElement);
  const updates: (() => void)[] = [];

  for (const item of controlsOf(socket, control)) {
    const button = make('button', 'button', item.kind === 'press' ? item.label : item.off.label);
    button.type = 'button';
    const hint = make('p', '', item.hint);
    hint.id = `hint-${list.children.length}`;
    button.setAttribute('aria-describedby', hint.id);
    list.append(make('li', '', button, hint));

    const isOn = (): boolean => item.kind === 'toggle' && control.state !== null && item.isOn(control.state);
    const run = (): Promise<void> =>
      item.kind === 'press' ? item.run() : control.act((isOn() ? item.on : item.off).action);
    whenPressed(button, run, fault);
    if (item.kind === 'toggle') {
      updates.push(() => {
        setText(button, (isOn() ? item.on : item.off).label);
        button.classList.toggle('on', isOn());
      });
    }
  }
  return atMostEvery(100, () => updates.forEach((update) => update()));
};

/** Runs one press at a time. The button stays focusable meanwhile, so that a keyboard does not lose its place. */
const whenPressed = (button: HTMLButtonElement, run: () => Promise<void>, fault: HTMLElement): void => {
  let isRunning = false;
  button.addEventListener('click', async () => {
    if (isRunning) return;
    isRunning = true;
    button.setAttribute('aria-disabled', 'true');
    setText(fault, '');
    try {
      await run();
    } catch (error) {
      setText(fault, `${button.textContent}: ${error instanceof Error ? error.message : String(error)}`);
    }
    button.removeAttribute('aria-disabled');
    isRunning = false;
  });
};
