import type { Socket } from 'node:net';

/** Two sockets whose bytes, ends and resets pass to each other, or are held back. */
export interface SocketLink {
  /** Passes bytes on; opens the far socket the first time. */
  flow(): void;
  /** Passes on nothing, and tells neither side. Buffers fill, as on a route that went dead. */
  hold(): void;
  /** Resets both sockets. */
  reset(): void;
}

/** Options of {@link linkSockets}. */
export interface SocketLinkOptions {
  /** An accepted socket, paused and half-open. */
  readonly near: Socket;
  /** Opens the far socket. Called at the first `flow()`: a client that comes during a hold is unknown to the server. */
  readonly open: () => Socket;
  /** Called when both sockets are gone; calling it again must be harmless. */
  readonly onClosed: () => void;
}

/** Links two sockets; nothing passes before the first `flow()`. */
export const linkSockets = ({ near, open, onClosed }: SocketLinkOptions): SocketLink => {
  let far: Socket | null = null;
  let flowing = false;
  let failed = false;

  // Whoever is left when the other is gone must go too; during a hold it may not notice.
  const settle = (): void => {
    if (!flowing) return;
    if (near.destroyed) end(far, failed);
    if (far?.destroyed) end(near, failed);
    if (near.destroyed && (far === null || far.destroyed)) onClosed();
  };

  const watch = (socket: Socket): Socket => {
    socket.on('error', () => socket.destroy());
    return socket.once('close', (hadError) => {
      failed ||= hadError;
      settle();
    });
  };

  const flow = (): void => {
    if (flowing) return;
    flowing = true;
    if (!near.destroyed) {
      far ??= watch(open());
      near.pipe(far);
      far.pipe(near);
    }
    settle();
  };

  // pause() alone is not enough: a drained pipe resumes its source.
  const hold = (): void => {
    flowing = false;
    near.unpipe().pause();
    far?.unpipe().pause();
  };

  const reset = (): void => {
    flowing = true;
    failed = true;
    near.resetAndDestroy();
    settle();
  };

  watch(near);
  return { flow, hold, reset };
};

// A socket that closed in peace has passed on all it read, but its peer may not have written all of that yet.
const end = (socket: Socket | null, failed: boolean): void => {
  if (socket === null || socket.destroyed) return;
  if (failed) socket.resetAndDestroy();
  else socket.destroySoon();
};
