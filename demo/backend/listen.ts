import type { Server } from 'node:http';

const triesMax = 20;

/** Listens on `port` of the local machine, or on the next one that is free. Gives the port. */
export const listenFrom = async (server: Server, port: number): Promise<number> => {
  for (let tried = port; tried < port + triesMax; tried += 1) {
    if (await listens(server, tried)) return tried;
  }
  throw new Error(`the ports ${port} to ${port + triesMax - 1} are all taken; set PORT`);
};

const listens = (server: Server, port: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    };
    server.once('error', onError);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', onError);
      resolve(true);
    });
  });
