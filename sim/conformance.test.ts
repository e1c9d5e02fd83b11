import { afterEach, beforeEach, describe, it, vi } from 'vitest';
import { channelConformance } from '../worker/testing/channel-conformance.ts';
import { dialConformance } from '../worker/testing/dial-conformance.ts';
import { locksConformance } from '../worker/testing/locks-conformance.ts';
import { storeConformance } from '../worker/testing/store-conformance.ts';
import { Disk } from './browser/disk.ts';
import { KeyRange, mountDisk } from './browser/fake-idb.ts';
import { SimBlob } from './browser/sim-blob.ts';
import { SimChannels } from './browser/sim-channels.ts';
import { SimLocks } from './browser/sim-locks.ts';
import { Kernel } from './kernel/kernel.ts';
import { Random } from './kernel/random.ts';
import { Realm } from './kernel/realm.ts';
import { Network } from './network/network.ts';
import { clockOf } from './testing/clock-of.ts';
import { echoServer } from './testing/echo-server.ts';
import { runVirtually } from './testing/run-virtually.ts';

vi.mock('idb', () => import('./browser/fake-idb.ts'));
const { indexedDbOutbox } = await import('../worker/store/indexed-db-outbox.ts');

/** Runs a case as code of one realm. */
function runIn(realm: Realm, run: () => Promise<void>): Promise<void> {
  let result!: Promise<void>;
  realm.enter(() => void (result = run()));
  return runVirtually(realm.kernel, result);
}

describe('the locks of the simulation', () => {
  it.each(locksConformance)('$name', async ({ run }) => {
    const kernel = new Kernel();
    const locks = new SimLocks(kernel, new Random('locks'));
    const realm = new Realm(kernel, 'hub');
    let count = 0;
    await runIn(realm, () =>
      run({
        locks: locks.of(realm),
        newName: () => `lock${(count += 1)}`,
        async holdElsewhere(name) {
          const other = new Realm(kernel, 'page');
          await locks.of(other).hold(name);
          return () => other.die('killed');
        },
      }),
    );
  });
});

describe('the channels of the simulation', () => {
  it.each(channelConformance)('$name', async ({ run }) => {
    const kernel = new Kernel();
    const channels = new SimChannels(new Random('channels'));
    const realm = new Realm(kernel, 'hub');
    const openChannel = channels.of(realm);
    let count = 0;
    await runIn(realm, () =>
      run({
        openChannel,
        newName: () => `channel${(count += 1)}`,
        async echoElsewhere(name) {
          const other = channels.of(new Realm(kernel, 'page'))(name, (text) =>
            other.post(`echo of ${text as string}`),
          );
        },
      }),
    );
  });
});

describe('the store over the disk of the simulation', () => {
  beforeEach(() => void vi.stubGlobal('IDBKeyRange', KeyRange).stubGlobal('Blob', SimBlob));
  afterEach(() => void vi.unstubAllGlobals());

  it.each(storeConformance)('$name', async ({ run }) => {
    const kernel = new Kernel();
    const realm = new Realm(kernel, 'hub');
    mountDisk(realm, new Disk(kernel, new Random('disk')));
    await runIn(realm, () => run(() => indexedDbOutbox('outbox', clockOf(realm))));
  });
});

describe('the network of the simulation', () => {
  it.each(dialConformance)('$name', async ({ run }) => {
    const kernel = new Kernel();
    const realm = new Realm(kernel, 'hub');
    const marks = { highBytes: 1_000, lowBytes: 200 };
    const nobody = {
      dialled() {},
      ended() {},
      received() {},
      sent() {},
      sends() {},
      hears() {},
      closes() {},
    };
    const quality = { delayMs: 5, jitterMs: 3, bytesPerMs: 100 };
    const network = new Network(kernel, new Random('network'), quality, marks, nobody);
    const server = echoServer(kernel, network);
    const dial = network.dialOf(realm);
    await runIn(realm, () =>
      run({
        dial: (url, events) => {
          network.fate = () => (url === 'refused' ? 'refused' : 'accepted');
          return dial(url, events);
        },
        url: 'echo',
        refusedUrl: 'refused',
        server,
        congestingBytes: 48_000,
        settle: () => new Promise<void>((resolve) => void realm.after(5_000, resolve)),
      }),
    );
  });
});
