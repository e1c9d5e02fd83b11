import { setTimeout as delay } from 'node:timers/promises';
import { drain } from './drain.ts';
import { FaultLog, lineOfFault, type Suffered } from './fault-log.ts';
import { faults } from './faults.ts';
import { Flow } from './flow.ts';
import { judge } from './judge.ts';
import * as chaosLimits from './limits.ts';
import { Recorder } from './recorder.ts';
import { failureOf, largeCounts, summaryOf } from './report.ts';
import { lanes, planLane, type Lane, type Pace, type PlannedFault } from './schedule.ts';
import type { Breakage } from './server-contract.ts';
import { kindsOf, type Setting } from './setting.ts';
import { within } from './within.ts';
import { startWorld, type World } from './world.ts';

/** What a run is to do. */
export interface ChaosPlan extends Setting {
  readonly seed: number;
  readonly minutes: number;
  readonly pace: Pace;
  /** A fault of the server itself, which must be found. */
  readonly breaks?: Breakage | undefined;
  /** Called with a line whenever there is something to tell. */
  readonly say: (line: string) => void;
}

/** What became of it. */
export interface ChaosResult {
  readonly summary: string;
  /** Empty if all is well. */
  readonly failure: string;
}

/** Breaks what can break for some time, ends all faults, and judges what is left. */
export const runChaos = async (plan: ChaosPlan): Promise<ChaosResult> => new Run(plan).go();

class Run {
  readonly #plan: ChaosPlan;
  readonly #log = new FaultLog();
  readonly #over = new AbortController();
  readonly #troubles: string[] = [];
  readonly #recorder = new Recorder(() => this.#now());
  #startedAt = performance.now();

  constructor(plan: ChaosPlan) {
    this.#plan = plan;
  }

  async go(): Promise<ChaosResult> {
    const { say, seed, minutes, breaks, browser, host } = this.#plan;
    const setting = { browser, host };
    await using world = await startWorld({
      setting,
      seed,
      minutes,
      breaks,
      take: (report) => this.#recorder.take(report),
      trouble: (text) => void this.#troubles.push(text),
    });
    await world.startBrowser();
    await world.tabs.fill(world.browser);
    say(`chaos seed ${seed}: ${browser}, ${host}, ${minutes} min`);
    this.#startedAt = performance.now();
    const suffering = lanes.map((lane) => this.#sufferLane(world, lane));
    await this.#watchFlow();
    this.#over.abort();
    await Promise.all(suffering);
    const minutesDone = this.#now() / 60_000;
    const { record, survivors, stuck } = await drain(world, this.#recorder);
    this.#troubles.push(...stuck);
    const { violations, openings } = await world.facts();
    this.#troubles.push(...violations);
    const { stories, views, damages } = this.#recorder;
    const findings = judge(record, {
      stories: stories.values(),
      views,
      damages,
      survivors,
      cursorTopics: world.cursorTopics,
    });
    const source = {
      setting,
      seed,
      minutes: minutesDone,
      log: this.#log,
      recorder: this.#recorder,
      record,
      findings,
      troubles: this.#troubles,
    };
    say(this.#counts(openings.length, new Set(openings.map(({ key }) => key)).size));
    say(largeCounts(source));
    return { summary: summaryOf(source), failure: failureOf(source) };
  }

  #now(): number {
    return performance.now() - this.#startedAt;
  }

  async #sufferLane(world: World, lane: Lane): Promise<void> {
    for (const fault of planLane(this.#plan.seed, lane, this.#plan.pace, kindsOf(this.#plan))) {
      await this.#pause(fault.afterMs);
      if (this.#over.signal.aborted) return;
      await this.#suffer(world, lane, fault);
    }
  }

  async #suffer(world: World, lane: Lane, { kind, holdMs, pick }: PlannedFault): Promise<void> {
    const suffered: Suffered = { kind, lane, at: this.#now(), endedAt: null, note: '' };
    this.#log.all.push(suffered);
    const { begin, end } = faults[kind];
    const step = async (name: string, act: () => unknown): Promise<void> => {
      try {
        await within(chaosLimits.faultMsMax, name, Promise.resolve(act()));
      } catch (error) {
        // A fault of another lane came in between. What is broken then is mended by the next one, or at the end.
        suffered.note += ` ${name}: ${(error as Error).message.split('\n', 1)[0]}`;
      }
    };
    await step('begin', async () => (suffered.note = (await begin(world, pick)) ?? 'nothing there'));
    await this.#pause(holdMs);
    await step('end', async () => (suffered.note += (await end(world)) ?? ''));
    suffered.endedAt = this.#now();
    this.#plan.say(lineOfFault(suffered));
  }

  /** Settles after the time, or when the run is over. */
  async #pause(delayMs: number): Promise<void> {
    await delay(delayMs, undefined, { signal: this.#over.signal }).catch(() => {});
  }

  /** Settles when the time is up, or when nothing flows any more. */
  async #watchFlow(): Promise<void> {
    const flow = new Flow(this.#recorder, this.#log, this.#now());
    let minute = 1;
    let storedBefore = 0;
    while (this.#now() < this.#plan.minutes * 60_000) {
      await delay(500);
      const stop = flow.check(this.#now());
      if (this.#now() >= minute * 60_000) {
        this.#plan.say(`minute ${minute}: ${this.#recorder.stored - storedBefore} stored`);
        storedBefore = this.#recorder.stored;
        minute += 1;
      }
      if (stop === null) continue;
      this.#troubles.push(stop, ...this.#recorder.statuses());
      return;
    }
    this.#plan.say(`longest time without progress, faults not counted: ${Math.round(flow.idleMsMax)} ms`);
  }

  #counts(openings: number, clients: number): string {
    const { pages, stories, stored, storedInMemory, acked, failures, gaps } = this.#recorder;
    return (
      `${pages} page loads, ${stories.size} published, ${stored} stored, ${storedInMemory} stored in memory, ` +
      `${acked} acked, failed ${JSON.stringify(failures)}, gaps ${JSON.stringify(gaps)}, ` +
      `${openings} connections of ${clients} clients`
    );
  }
}
