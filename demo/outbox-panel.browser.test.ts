import { connect, type OneSocket } from 'onesocket';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import type { DemoApi } from './contract.ts';
import page from './index.html?raw';
import { startOutbox } from './outbox-panel.ts';

// Nobody listens there: what is published stays in the outbox.
const url = inject('serverUrls').refused;
const sockets: OneSocket<DemoApi>[] = [];

const open = (name: string): OneSocket<DemoApi> => {
  const socket = connect<DemoApi>(url, { name });
  sockets.push(socket);
  return socket;
};

/** Shows the outbox of a new tab on the demo's own page. */
const show = (name: string) => {
  const socket = open(name);
  const render = startOutbox(socket);
  const drawing = setInterval(() => render(performance.now()), 50);
  const rows = (): string[] =>
    [...document.querySelectorAll('#outbox-list .text')].map(({ textContent }) => textContent);
  return { socket, rows, end: () => clearInterval(drawing) };
};

describe('the outbox panel', () => {
  beforeEach(() => {
    const parsed = new DOMParser().parseFromString(page, 'text/html');
    document.body.replaceChildren(...parsed.querySelectorAll('.outbox'));
  });
  afterEach(async () => {
    await Promise.all(sockets.splice(0).map((socket) => socket.close()));
  });

  it('shows what waits of all tabs, and lets this one take back what another published', async () => {
    const name = crypto.randomUUID();
    const other = open(name);
    const { rows, end } = show(name);
    const kept = other.publish('chat:lobby', { tabId: 'a', text: 'kept' });
    const cancelled = other.publish('chat:lobby', { tabId: 'a', text: 'cancelled' });
    await Promise.all([kept.stored, cancelled.stored]);
    await vi.waitFor(() => expect(rows()).toEqual(['kept', 'cancelled']), { timeout: 5_000 });

    document.querySelectorAll<HTMLButtonElement>('#outbox-list button')[1]!.click();
    await expect(cancelled.acked).rejects.toMatchObject({ code: 'cancelled' });
    await vi.waitFor(() => expect(rows()).toEqual(['kept']), { timeout: 5_000 });
    end();
  });

  it('says what stored means here', async () => {
    const { end } = show(crypto.randomUUID());
    await vi.waitFor(
      () => expect(document.getElementById('outbox-durability')?.textContent).toMatch(/^Strict/),
      { timeout: 5_000 },
    );
    end();
  });
});
