import { afterEach, describe, expect, it, vi } from 'vitest';
import type { LocksUnderTest } from './testing/locks-conformance-kit.ts';
import { locksConformance } from './testing/locks-conformance.ts';
import { webLocks } from './web-locks.ts';

const frames: HTMLIFrameElement[] = [];
afterEach(() => frames.splice(0).forEach((frame) => frame.remove()));

const newName = () => `onesocket:test:${crypto.randomUUID()}`;

/** A page in a frame that holds the lock for its lifetime, as a tab does. */
async function holdInFrame(name: string): Promise<() => void> {
  const frame = document.createElement('iframe');
  frames.push(frame);
  const script = `
    import { webLocks } from ${JSON.stringify(new URL('./web-locks.ts', import.meta.url).href)};
    await webLocks.hold(${JSON.stringify(name)});
    frameElement.dispatchEvent(new Event('held'));`;
  const held = new Promise((resolve) => frame.addEventListener('held', resolve, { once: true }));
  frame.srcdoc = `<script type="module">${script}</script>`;
  document.body.append(frame);
  await held;
  return () => frame.remove();
}

/** A worker that holds the lock for its lifetime, as a hub does. */
async function holdInWorker(name: string): Promise<() => void> {
  const script = `
    import { webLocks } from ${JSON.stringify(new URL('./web-locks.ts', import.meta.url).href)};
    await webLocks.hold(${JSON.stringify(name)});
    postMessage('held');`;
  const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
  const worker = new Worker(url, { type: 'module' });
  await new Promise((resolve) => worker.addEventListener('message', resolve, { once: true }));
  URL.revokeObjectURL(url);
  return () => worker.terminate();
}

/** How many hold this lock, and how many wait for it. */
async function countOf(name: string) {
  const { held = [], pending = [] } = await navigator.locks.query();
  const count = (locks: LockInfo[]) => locks.filter((lock) => lock.name === name).length;
  return { held: count(held), pending: count(pending) };
}

describe.each<[string, LocksUnderTest['holdElsewhere']]>([
  ['a page', holdInFrame],
  ['a worker', holdInWorker],
])('a Web Lock, where %s may die', (_, holdElsewhere) => {
  it.each(locksConformance)('$name', ({ run }) => run({ locks: webLocks!, newName, holdElsewhere }));
});

describe('a Web Lock', () => {
  it('is neither held nor asked for once its release and its watchers have ended', async () => {
    const name = newName();
    const release = await webLocks!.hold(name);
    const unwatch = webLocks!.whenFree(name, () => {});
    await vi.waitFor(async () => expect(await countOf(name)).toEqual({ held: 1, pending: 1 }));
    unwatch();
    await vi.waitFor(async () => expect(await countOf(name)).toEqual({ held: 1, pending: 0 }));
    release();
    await vi.waitFor(async () => expect(await countOf(name)).toEqual({ held: 0, pending: 0 }));
  });

  it('that is stolen is no unhandled rejection of its holder', async () => {
    const name = newName();
    const unhandled = vi.fn<(event: Event) => void>();
    window.addEventListener('unhandledrejection', unhandled);
    const release = await webLocks!.hold(name);
    await navigator.locks.request(name, { steal: true }, () => {});
    release();
    await navigator.locks.request(name, () => {});
    window.removeEventListener('unhandledrejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
});
