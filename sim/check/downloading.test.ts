import { describe, expect, it } from 'vitest';
import type { Transport as ServerTransport } from '../../server/transport.ts';
import type { Transport } from '../../worker/transport.ts';
import { Kernel } from '../kernel/kernel.ts';
import { Random } from '../kernel/random.ts';
import { Realm } from '../kernel/realm.ts';
import { Network } from '../network/network.ts';
import { Downloading } from './downloading.ts';

/** A hub and a server that say what a case lets them, over a simulated network that the check listens to. */
class Wire {
  readonly #kernel = new Kernel();
  readonly #hub: Transport;
  #server!: ServerTransport;

  constructor() {
    const kernel = this.#kernel;
    const check = new Downloading({ bufferedBytes: 2_000, keepsTransfers: true, keepsMessages: true });
    const quality = { delayMs: 1, jitterMs: 0, bytesPerMs: 1_000 };
    const network = new Network(
      kernel,
      new Random(1),
      quality,
      { highBytes: 1_000, lowBytes: 200 },
      {
        sends: (...sent) => kernel.guarded(() => check.sends(...sent)),
        hears: (...heard) => kernel.guarded(() => check.hears(...heard)),
        closes: (...closed) => kernel.guarded(() => check.closes(...closed)),
        dialled() {},
        ended() {},
        received() {},
        sent() {},
      },
    );
    network.listener = {
      realm: new Realm(kernel, 'server'),
      accept: (transport) => {
        this.#server = transport;
        return { frame() {}, alive() {}, drained() {}, closed() {} };
      },
    };
    const dial = network.dialOf(new Realm(kernel, 'hub'));
    this.#hub = dial('', { opened() {}, frame() {}, congestion() {}, closed() {} });
  }

  /** What broke a rule first; null if nothing did. */
  get failure(): unknown {
    return this.#kernel.failure;
  }

  async hubSays(type: 'offer' | 'abandon'): Promise<void> {
    await this.#rest();
    const about = type === 'offer' ? { topic: 'topic', size: 131_074 } : {};
    this.#hub.send(JSON.stringify({ id: 'e1', ts: 1, type, transfer: 'large', ...about }));
    await this.#rest();
  }

  serverHas(received: number): void {
    this.#server.sendText(
      JSON.stringify({ id: 's1', ts: 1, type: 'chunk-ack', transfer: 'large', received }),
    );
  }

  #rest(): Promise<void> {
    return this.#kernel.run(this.#kernel.now + 100);
  }
}

describe('the check of what servers keep of a transfer', () => {
  it('finds one that has less of it than it had', async () => {
    const wire = new Wire();
    await wire.hubSays('offer');
    wire.serverHas(65_536);
    expect(wire.failure).toBeNull();
    await wire.hubSays('offer');
    wire.serverHas(0);
    expect(String(wire.failure)).toContain('what has come is kept');
  });

  it('expects nothing of one that was given up, although an acknowledgement follows late', async () => {
    const wire = new Wire();
    await wire.hubSays('offer');
    wire.serverHas(65_536);
    await wire.hubSays('abandon');
    wire.serverHas(131_072);
    await wire.hubSays('offer');
    wire.serverHas(0);
    expect(wire.failure).toBeNull();
  });

  it('expects of one that is offered anew what it expects of any', async () => {
    const wire = new Wire();
    await wire.hubSays('offer');
    await wire.hubSays('abandon');
    await wire.hubSays('offer');
    wire.serverHas(65_536);
    await wire.hubSays('offer');
    wire.serverHas(0);
    expect(String(wire.failure)).toContain('what has come is kept');
  });
});
