import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { FrameSource } from './frame-source.ts';
import { Random } from './random.ts';
import { SessionWorld } from './session-world.ts';
import { SocketWorld } from './socket-world.ts';

/** What to run. */
export interface FuzzPlan {
  readonly seed: number;
  /** Frames in all. One in 100 goes over a real socket, the others to sessions in this process. */
  readonly frames: number;
  /** Told now and then how many frames are done. */
  readonly progress?: (frames: number) => void;
}

/** What came of it. */
export interface FuzzReport {
  /** Frames that sessions got, and that went over sockets. */
  readonly sessionFrames: number;
  readonly socketFrames: number;
  /** Names all frames: the same for the same seed. */
  readonly digest: string;
  /** Bytes that the heap grew by, from the first eighth of the run to its end. */
  readonly heapGrowth: number;
}

/** Frames between two looks at the control clients. */
const checkEvery = 100;

/** Bytes that the heap may grow by. What a run keeps is bounded by limits, and is full after its first eighth. */
const heapGrowthMax = 32 * 1024 * 1024;

/**
 * Attacks sessions and a server with frames that a seed decides. Rejects with what went wrong: a crash, a rejection that
 * nobody handled, something left over, memory that grows, or a client beside it that noticed.
 */
export async function fuzz({ seed, frames, progress }: FuzzPlan): Promise<FuzzReport> {
  const source = new FrameSource(seed);
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  process.on('uncaughtException', note);
  let done = 0;
  try {
    const socketFrames = Math.floor(frames / 100);
    const sessionFrames = frames - socketFrames;
    const heapGrowth = await attackSessions(source, seed, sessionFrames, () => {
      done++;
      if (unhandled.length > 0) throw unhandled[0];
      progress?.(done);
    });
    await attackServer(source, seed, socketFrames, () => void done++);
    if (unhandled.length > 0) throw unhandled[0];
    if (heapGrowth > heapGrowthMax) throw new Error(`the heap grew by ${heapGrowth} bytes`);
    return { sessionFrames, socketFrames, digest: source.digest, heapGrowth };
  } catch (reason) {
    throw new Error(`seed ${seed}, frame ${done}: ${String(reason)}`, { cause: reason });
  } finally {
    process.off('unhandledRejection', note);
    process.off('uncaughtException', note);
  }
}

async function attackSessions(
  source: FrameSource,
  seed: number,
  frames: number,
  sent: () => void,
): Promise<number> {
  const random = new Random(seed ^ 0x5e55);
  const worlds = [new SessionWorld(random, false), new SessionWorld(random, true)];
  let heapBefore = 0;
  for (let count = 0; count < frames; count++) {
    // A run of frames each, so that a session gets somewhere.
    const world = worlds[Math.floor(count / checkEvery) % worlds.length]!;
    world.attack(source.next());
    sent();
    if (count % checkEvery === checkEvery - 1) await world.check();
    if (count === Math.floor(frames / 8)) heapBefore = heapUsed();
  }
  const heapGrowth = heapUsed() - heapBefore;
  for (const world of worlds) await world.end();
  return heapGrowth;
}

async function attackServer(
  source: FrameSource,
  seed: number,
  frames: number,
  sent: () => void,
): Promise<void> {
  const world = await SocketWorld.start(new Random(seed ^ 0x50c4e7));
  for (let count = 0; count < frames; count++) {
    await world.attack(source.next());
    sent();
    if (count % checkEvery === checkEvery - 1) await world.check();
  }
  await world.end();
}

/** Bytes in use, once what nobody holds is gone. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
