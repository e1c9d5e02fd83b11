import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createChildCalls, type ChildCalls } from './child-calls.ts';
import { isReady, type ReadyMessage } from './process-messages.ts';

/** Options of {@link startServerProcess}. */
export interface ServerProcessOptions {
  /** Absolute path of the script; a `.ts` one is run with tsx. It calls `serveParent` once it listens. */
  readonly entry: string;
  /** Given to the script as the environment variable PORT. Default 0: any free one, kept for every restart. */
  readonly port?: number;
  /** Added to this process' environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Where the script's stdout and stderr go. Default `inherit`. */
  readonly output?: 'inherit' | 'ignore';
  /** How long a start may take, in milliseconds. Default 30,000. */
  readonly readyTimeoutMs?: number;
  /** Called whenever the process ended, on purpose or not. */
  readonly onExit?: (code: number | null, signal: NodeJS.Signals | null) => void;
}

/** A server in a real Node process of its own, which can be killed and frozen. It dies with this process. */
export interface ServerProcess extends AsyncDisposable {
  /** Of the process that runs, or else of the last one. */
  readonly pid: number;
  /** Where the server listens: the same after a restart. */
  readonly port: number;
  readonly running: boolean;
  /** Stopped by SIGSTOP. */
  readonly frozen: boolean;
  /** Ends the process; settles when it is gone. Default SIGKILL. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port, if it does not run. Settles when it listens. */
  start(): Promise<void>;
  /** SIGKILL, then a new process on the same port. Settles when that one listens. */
  restart(): Promise<void>;
  /** SIGSTOP: the process keeps its sockets and does nothing. */
  stop(): void;
  /** SIGCONT. */
  cont(): void;
  /** Asks the script, which answers with what it gave `serveParent`. Rejects on its error, its end, or after `timeoutMs` (5,000). */
  request(message: unknown, timeoutMs?: number): Promise<unknown>;
}

interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly calls: ChildCalls;
  frozen: boolean;
}

// Ends the script when the channel to this process breaks, however this one ended, and whatever the script does.
const orphanGuard = `data:text/javascript,process.once("disconnect",()=>process.exit(1))`;

const nodeArguments = (entry: string): string[] => {
  const guard = ['--import', orphanGuard];
  if (!/\.m?ts$/.test(entry)) return guard;
  return [...guard, '--import', createRequire(import.meta.url).resolve('tsx')];
};

/**
 * Runs `entry` and settles when it says that it listens. Rejects if it ends, or says nothing, before that.
 *
 * @example
 * const server = await startServerProcess({ entry: fileURLToPath(new URL('server.ts', import.meta.url)) });
 * await server.restart();
 */
export const startServerProcess = async (options: ServerProcessOptions): Promise<ServerProcess> => {
  let port = options.port ?? 0;
  let current: Running | null = null;
  let lastPid = 0;

  const start = async (): Promise<void> => {
    if (current !== null) return;
    const child = launch(options, port);
    const running: Running = { child, pid: child.pid ?? 0, calls: createChildCalls(child), frozen: false };
    current = running;
    lastPid = running.pid;
    const killAtExit = (): void => void child.kill('SIGKILL');
    process.once('exit', killAtExit);
    child.once('exit', (code, signal) => {
      process.off('exit', killAtExit);
      if (current === running) current = null;
      options.onExit?.(code, signal);
    });
    ({ port } = await ready(child, options));
  };

  const kill = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    if (current === null) return;
    const { child } = current;
    const exited = once(child, 'exit');
    child.kill(signal);
    // A stopped process acts on no signal but SIGKILL until it goes on.
    if (signal !== 'SIGKILL') child.kill('SIGCONT');
    await exited;
  };

  const freeze = (frozen: boolean): void => {
    if (current === null) return;
    current.child.kill(frozen ? 'SIGSTOP' : 'SIGCONT');
    current.frozen = frozen;
  };

  await start();

  return {
    get pid() {
      return lastPid;
    },
    get port() {
      return port;
    },
    get running() {
      return current !== null;
    },
    get frozen() {
      return current?.frozen ?? false;
    },
    kill,
    start,
    async restart() {
      await kill();
      await start();
    },
    stop: () => freeze(true),
    cont: () => freeze(false),
    request: (message, timeoutMs = 5_000) =>
      current?.calls.request(message, timeoutMs) ??
      Promise.reject(new Error('the server process is not running')),
    [Symbol.asyncDispose]: () => kill(),
  };
};

const launch = (options: ServerProcessOptions, port: number): ChildProcess => {
  const output = options.output ?? 'inherit';
  return spawn(process.execPath, [...nodeArguments(options.entry), options.entry, ...(options.args ?? [])], {
    env: { ...process.env, ...options.env, PORT: String(port) },
    stdio: ['ignore', output, output, 'ipc'],
  });
};

const ready = (child: ChildProcess, options: ServerProcessOptions): Promise<ReadyMessage> =>
  new Promise((resolve, reject) => {
    const timeoutMs = options.readyTimeoutMs ?? 30_000;
    const settle = (act: () => void): void => {
      clearTimeout(deadline);
      child.off('message', onMessage).off('exit', onExit).off('error', onError);
      act();
    };
    const fail = (reason: string): void => settle(() => reject(new Error(`${options.entry}: ${reason}`)));
    const onMessage = (message: unknown): void => {
      if (isReady(message)) settle(() => resolve(message));
    };
    const onExit = (code: number | null, signal: string | null): void => fail(`ended with ${signal ?? code}`);
    const onError = (error: Error): void => fail(error.message);
    const deadline = setTimeout(() => {
      child.kill('SIGKILL');
      fail(`not ready within ${timeoutMs} ms`);
    }, timeoutMs);
    child.on('message', onMessage).once('exit', onExit).once('error', onError);
  });
