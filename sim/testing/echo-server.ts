import type { Transport } from '../../server/transport.ts';
import type { DialUnderTest } from '../../worker/testing/dial-conformance.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { Realm } from '../kernel/realm.ts';
import type { Network } from '../network/network.ts';

/** A server of the simulated network that sends back what it gets, and does what it is told. */
export function echoServer(kernel: Kernel, network: Network): DialUnderTest['server'] {
  const realm = new Realm(kernel, 'server');
  let transport: Transport | null = null;
  const closed = new Promise<{ readonly code: number; readonly reason: string }>((resolve) => {
    network.listener = {
      realm,
      accept(accepted) {
        transport = accepted;
        return {
          frame: (data) => (typeof data === 'string' ? accepted.sendText(data) : accepted.sendBinary(data)),
          alive() {},
          drained() {},
          closed: (code = 0, reason = '') => resolve({ code, reason }),
        };
      },
    };
  });
  return {
    close: async (code, reason) => transport!.close(code, reason),
    kill: async () => transport!.terminate(),
    pause: async () => transport!.pause(),
    resume: async () => transport!.resume(),
    closed: () => closed,
  };
}
