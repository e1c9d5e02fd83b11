import { afterEach, describe, it } from 'vitest';
import { openChannel } from './broadcast-channel.ts';
import { channelConformance } from './testing/channel-conformance.ts';

const cleanUps: (() => void)[] = [];
afterEach(() => cleanUps.splice(0).forEach((cleanUp) => cleanUp()));

const newName = () => `onesocket:test:${crypto.randomUUID()}`;
const adapter = JSON.stringify(new URL('./broadcast-channel.ts', import.meta.url).href);

/** The text of a module that echoes, and then calls `ready`. */
const echo = (name: string, ready: string) => `
  import { openChannel } from ${adapter};
  const channel = openChannel(${JSON.stringify(name)}, (text) => channel.post('echo of ' + text));
  ${ready}`;

async function echoInWorker(name: string): Promise<void> {
  const url = URL.createObjectURL(new Blob([echo(name, 'postMessage(0);')], { type: 'text/javascript' }));
  const worker = new Worker(url, { type: 'module' });
  cleanUps.push(() => worker.terminate());
  await new Promise((resolve) => worker.addEventListener('message', resolve, { once: true }));
  URL.revokeObjectURL(url);
}

async function echoInFrame(name: string): Promise<void> {
  const frame = document.createElement('iframe');
  cleanUps.push(() => frame.remove());
  const ready = new Promise((resolve) => frame.addEventListener('ready', resolve, { once: true }));
  const script = echo(name, "frameElement.dispatchEvent(new Event('ready'));");
  frame.srcdoc = `<script type="module">${script}</script>`;
  document.body.append(frame);
  await ready;
}

describe.each([
  ['a worker', echoInWorker],
  ['a page', echoInFrame],
])('a BroadcastChannel, also to %s', (_, echoElsewhere) => {
  it.each(channelConformance)('$name', ({ run }) =>
    run({ openChannel: openChannel!, newName, echoElsewhere }),
  );
});
