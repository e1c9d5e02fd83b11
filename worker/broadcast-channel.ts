import type { OpenChannel } from './channel.ts';

/**
 * Opens a BroadcastChannel; null where there is none. What cannot be cloned is thrown by `post`, and what cannot be read
 * at this end is reported as an uncaught error: both are mistakes of this library.
 */
export const openChannel: OpenChannel | null = globalThis.BroadcastChannel
  ? (name, heard) => {
      let channel: BroadcastChannel | null = new BroadcastChannel(name);
      channel.onmessage = ({ data }) => heard(data);
      channel.onmessageerror = () => reportError(new Error(`unreadable message on ${name}`));
      return {
        post: (message) => channel?.postMessage(message),
        close() {
          channel?.close();
          channel = null;
        },
      };
    }
  : null;
