import { describe, expect, it } from 'vitest';
import { hubEndpoint, tabEndpoint, type ChannelEndpoint } from './channel-endpoint.ts';
import type { ChannelMessage } from './channel.ts';
import { turn } from './testing/host-world.ts';
import { memoryChannels } from './testing/memory-channels.ts';

/** What an endpoint hears. */
function heardBy(endpoint: ChannelEndpoint): unknown[] {
  const heard: unknown[] = [];
  endpoint.addEventListener('message', (event) => heard.push((event as MessageEvent).data));
  return heard;
}

/** A tab and two hubs at one channel, the first of which has joined before the other. */
function open() {
  const openChannel = memoryChannels();
  const posted: ChannelMessage[] = [];
  openChannel('t', (message) => posted.push(message as ChannelMessage));
  const tab = tabEndpoint(openChannel, 't');
  const first = hubEndpoint(openChannel, 't', 'first');
  const second = hubEndpoint(openChannel, 't', 'second');
  const heard = { tab: heardBy(tab), first: heardBy(first), second: heardBy(second) };
  return { openChannel, posted, tab, first, second, heard };
}

describe('a channel between a tab and its hub', () => {
  it('brings what the tab says to the hub that joined first, and to no other', async () => {
    const { tab, heard } = open();
    await turn();
    tab.postMessage('to the hub');
    await turn();
    expect(heard).toEqual({ tab: [], first: ['to the hub'], second: [] });
  });

  it('brings what that hub says to the tab, and what another one says to nobody', async () => {
    const { first, second, heard } = open();
    await turn();
    first.postMessage('of the hub');
    second.postMessage('of another one');
    await turn();
    expect(heard).toEqual({ tab: ['of the hub'], first: [], second: [] });
  });

  it('holds back what the tab says before a hub has joined, in order, and says it once', async () => {
    const { tab, first, posted, heard } = open();
    tab.postMessage(1);
    tab.postMessage(2);
    expect(posted).toEqual([]);
    await turn();
    first.join();
    await turn();
    expect(heard.first).toEqual([1, 2]);
  });

  it('says at each end for whom a message is', async () => {
    const { tab, first, posted } = open();
    await turn();
    tab.postMessage('up');
    first.postMessage('down');
    await turn();
    expect(posted).toEqual([
      { hub: 'first', isUp: false },
      { hub: 'second', isUp: false },
      { hub: 'first', isUp: true, data: 'up' },
      { hub: 'first', isUp: false, data: 'down' },
    ]);
  });

  it('is silent once an end has closed, and tells listeners that were removed nothing', async () => {
    const { tab, first, second, openChannel, heard } = open();
    await turn();
    const listener = () => heard.tab.push('removed');
    tab.addEventListener('message', listener);
    tab.removeEventListener('message', listener);
    first.postMessage(1);
    await turn();
    for (const end of [tab, first, second]) end.close();
    first.postMessage(2);
    tab.postMessage(3);
    await turn();
    expect(heard).toEqual({ tab: [1], first: [], second: [] });
    expect(openChannel.open.get('t')?.size).toBe(1);
  });
});
