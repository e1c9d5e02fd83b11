import { describe, expect, it, vi } from 'vitest';
import { watchTabLock } from '../worker/tab-locks.ts';
import { holdTabLock } from './tab-lock.ts';

const newName = () => `onesocket:test:tab:${crypto.randomUUID()}`;

/** How many hold this lock, and how many wait for it. */
async function countOf(name: string) {
  const { held = [], pending = [] } = await navigator.locks.query();
  const count = (locks: LockInfo[]) => locks.filter((lock) => lock.name === name).length;
  return { held: count(held), pending: count(pending) };
}

/** Watches, and waits until the browser has taken that up. */
async function watch(name: string, pending = 1) {
  const onGone = vi.fn<() => void>();
  let gone = () => {};
  const isGone = new Promise<void>((resolve) => (gone = resolve));
  const unwatch = watchTabLock(name, () => {
    onGone();
    gone();
  });
  await vi.waitFor(async () => expect((await countOf(name)).pending).toBe(pending));
  return { onGone, isGone, unwatch };
}

/** A page in a frame that holds the lock for its lifetime, as a tab does. */
async function openPage(name: string): Promise<HTMLIFrameElement> {
  const frame = document.createElement('iframe');
  const script = `
    import { holdTabLock } from ${JSON.stringify(new URL('./tab-lock.ts', import.meta.url).href)};
    await holdTabLock(${JSON.stringify(name)});
    frameElement.dispatchEvent(new Event('held'));`;
  const held = new Promise((resolve) => frame.addEventListener('held', resolve, { once: true }));
  frame.srcdoc = `<script type="module">${script}</script>`;
  document.body.append(frame);
  await held;
  return frame;
}

describe('the lock of a tab', () => {
  it('is held once the promise settles, and free once it is released', async () => {
    const name = newName();
    const release = await holdTabLock(name);
    expect(await countOf(name)).toEqual({ held: 1, pending: 0 });
    release?.();
    await navigator.locks.request(name, () => {});
    expect(await countOf(name)).toEqual({ held: 0, pending: 0 });
  });

  it('tells who watches it when it is released, and not before', async () => {
    const name = newName();
    const release = await holdTabLock(name);
    const { onGone, isGone } = await watch(name);
    expect(onGone).not.toHaveBeenCalled();
    release?.();
    await isGone;
    expect(onGone).toHaveBeenCalledOnce();
  });

  it('tells nothing to a watcher that has ended', async () => {
    const name = newName();
    const release = await holdTabLock(name);
    const { onGone, unwatch } = await watch(name);
    const other = await watch(name, 2);
    unwatch();
    await vi.waitFor(async () => expect((await countOf(name)).pending).toBe(1));
    release?.();
    await other.isGone;
    expect(onGone).not.toHaveBeenCalled();
    unwatch();
  });

  it('is free again once a watcher was told, so that the next one is told too', async () => {
    const name = newName();
    const release = await holdTabLock(name);
    const first = await watch(name);
    const second = await watch(name, 2);
    release?.();
    await Promise.all([first.isGone, second.isGone]);
    first.unwatch();
    await navigator.locks.request(name, () => {});
    expect(await countOf(name)).toEqual({ held: 0, pending: 0 });
  });
});

describe('a page that goes', () => {
  it('releases its lock without a word', async () => {
    const name = newName();
    const page = await openPage(name);
    const { onGone, isGone } = await watch(name);
    expect(await countOf(name)).toEqual({ held: 1, pending: 1 });
    expect(onGone).not.toHaveBeenCalled();
    page.remove();
    await isGone;
    expect(onGone).toHaveBeenCalledOnce();
  });
});
