import { failure } from './failure.ts';
import { checkName } from './options.ts';
import type { Outlet } from './outlet.ts';
import { encodePayload } from './payload.ts';
import type { ConnectionError } from './protocol/errors.ts';
import * as protocolLimits from './protocol/limits.ts';
import type { SocketStatus } from './types.ts';
import { fitsUtf8 } from './protocol/utf8.ts';

/** Sends signals, as long as the connection is open. */
export function createSignals(
  { push, ended }: Pick<Outlet, 'push' | 'ended'>,
  own: {
    readonly status: SocketStatus;
    signalUnsent(topic: string, error: ConnectionError): void;
  },
) {
  return (topic: string, payload: unknown): void => {
    checkName('topic', topic, protocolLimits.topicLength);
    const encoded = encodePayload(payload);
    if (!('json' in encoded)) throw failure('invalid-payload', 'a signal is a JSON value');
    const { json } = encoded;
    if (!fitsUtf8(json, protocolLimits.signalBytes)) {
      throw failure('too-large', `a signal has at most ${protocolLimits.signalBytes} bytes`);
    }
    const error =
      ended() ??
      (own.status.state === 'open' ? null : failure('not-open', 'the signal could not be sent at once'));
    if (error) own.signalUnsent(topic, error);
    else push({ kind: 'send-signal', topic, json });
  };
}
