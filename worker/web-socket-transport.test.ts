import { afterEach, describe, expect, it, vi } from 'vitest';
import * as closeCodes from '../src/protocol/close-codes.ts';
import { dialWebSocket } from './web-socket-transport.ts';

// Node 20 has no WebSocket, and that of `ws` knows no abort signals: what a real socket does is for the browser tests.
describe('a dial that the platform refuses', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('does not throw; it is a connection that closed', async () => {
    vi.stubGlobal(
      'WebSocket',
      class {
        constructor() {
          throw new DOMException('insecure', 'SecurityError');
        }
      },
    );
    const closed = vi.fn<(code: number, reason: string) => void>();
    const never = () => expect.unreachable();
    const transport = dialWebSocket('ws://hub.test/', {
      opened: never,
      frame: never,
      congestion: never,
      closed,
    });
    expect(closed).not.toHaveBeenCalled();
    await Promise.resolve();
    expect(closed).toHaveBeenCalledExactlyOnceWith(
      closeCodes.abnormal,
      expect.stringContaining('SecurityError'),
    );
    transport.close(closeCodes.normal, '');
  });

  it('does not tell the token that the platform quotes', async () => {
    vi.stubGlobal(
      'WebSocket',
      class {
        constructor(url: string, protocols: string[]) {
          throw new DOMException(`${url} with ${protocols.join()} is forbidden`, 'SecurityError');
        }
      },
    );
    const closed = vi.fn<(code: number, reason: string) => void>();
    const never = () => expect.unreachable();
    const events = { opened: never, frame: never, congestion: never, closed };
    dialWebSocket('ws://hub.test/?token=canary', events, ['bearer.canary']);
    await Promise.resolve();
    const reason = 'SecurityError: ... with onesocket.v1,... is forbidden';
    expect(closed).toHaveBeenCalledExactlyOnceWith(closeCodes.abnormal, reason);
  });
});
