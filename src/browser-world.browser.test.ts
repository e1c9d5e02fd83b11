import { afterEach, describe, expect, it, vi } from 'vitest';
import { browserWorld } from './browser-world.ts';

afterEach(() => vi.unstubAllGlobals());

const api = { deliver: () => [], token: () => ({ token: '' }), trouble() {} };
const script = new URL('./worker.js', import.meta.url).href;

describe('the page', () => {
  it('finds out whether a SharedWorker outlives its tabs by whether the constructor asks', () => {
    const asked = vi.fn<() => boolean>(() => true);
    const options = { type: 'module' as const, name: crypto.randomUUID() };
    const probe = Object.defineProperty(options, 'extendedLifetime', { get: asked });
    new SharedWorker(script, probe).port.close();
    browserWorld.openSharedWorker(script, `onesocket:${crypto.randomUUID()}`, api, () => {}, 0).close();
    expect(browserWorld.lingers).toBe(asked.mock.calls.length > 0);
  });

  it('makes ids without randomUUID, as on plain HTTP', () => {
    vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto) });
    const ids = Array.from({ length: 100 }, () => browserWorld.randomId());
    expect(new Set(ids).size).toBe(100);
    expect(ids.every((id) => /^[0-9a-f-]{32,36}$/.test(id))).toBe(true);
  });

  it('stops an engine before it has been loaded', async () => {
    const hubName = `onesocket:${crypto.randomUUID()}`;
    const url = new URL('/worker/hub.worker.ts', location.origin).href;
    const engine = browserWorld.startEngine('page', url, hubName, () => {}, false);
    const { hub, close } = engine.open(api);
    engine.stop();
    const answer = hub.attach({} as never).then(() => 'an answer');
    await import('../worker/hub.worker.ts');
    const { held = [] } = await navigator.locks.query();
    expect(held.filter(({ name }) => name?.startsWith(hubName))).toEqual([]);
    await expect(Promise.race([answer, 'silence'])).resolves.toBe('silence');
    close();
  });
});
