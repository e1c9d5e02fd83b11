import { seededRandom } from './random.ts';

/** What goes on beside each other: at most one fault of each lane is under way. */
export const lanes = ['network', 'browser', 'disk'] as const;
export type Lane = (typeof lanes)[number];

/** What one fault of a kind is like. */
interface FaultShape {
  readonly lane: Lane;
  /** How often it comes in a deck of its lane. */
  readonly share: number;
  /** How long it lasts. */
  readonly holdMs: readonly [min: number, max: number];
  /** Lasts as long at every pace. */
  readonly isFixed?: true;
}

// Chromium believes for up to 30 seconds in the free space that it last saw, so a full disk has to last longer than
// that to be noticed by a database that stays open. One that a new hub opens notices at once.
const shapes = {
  cut: { lane: 'network', share: 3, holdMs: [100, 3_000] },
  stall: { lane: 'network', share: 2, holdMs: [500, 5_000] },
  'deaf-server': { lane: 'network', share: 1, holdMs: [500, 5_000] },
  'deaf-hub': { lane: 'network', share: 1, holdMs: [500, 5_000] },
  halve: { lane: 'network', share: 1, holdMs: [1_000, 6_000] },
  'kill-server': { lane: 'network', share: 2, holdMs: [0, 3_000] },
  'freeze-server': { lane: 'network', share: 2, holdMs: [200, 4_000] },
  'crash-tab': { lane: 'browser', share: 2, holdMs: [0, 2_000] },
  'kill-renderer': { lane: 'browser', share: 2, holdMs: [0, 2_000] },
  'kill-hub': { lane: 'browser', share: 2, holdMs: [0, 2_000] },
  'close-worker': { lane: 'browser', share: 2, holdMs: [0, 1_000] },
  'reload-tab': { lane: 'browser', share: 2, holdMs: [0, 500] },
  'close-tab': { lane: 'browser', share: 2, holdMs: [0, 3_000] },
  'kill-browser': { lane: 'browser', share: 1, holdMs: [0, 1_000] },
  // A lock is stolen after 4 to 6 seconds.
  'freeze-leader': { lane: 'browser', share: 2, holdMs: [3_000, 12_000], isFixed: true },
  'freeze-tab': { lane: 'browser', share: 1, holdMs: [1_000, 8_000] },
  'fill-disk': { lane: 'disk', share: 1, holdMs: [34_000, 44_000] },
} as const satisfies Record<string, FaultShape>;

/** What can go wrong. */
export type FaultKind = keyof typeof shapes;

/** Those of the browser's lane. */
export type BrowserFaultKind = {
  [K in FaultKind]: (typeof shapes)[K]['lane'] extends 'browser' ? K : never;
}[FaultKind];

/** All of them. */
export const faultKinds = Object.keys(shapes) as FaultKind[];

/** One fault to come. */
export interface PlannedFault {
  readonly kind: FaultKind;
  /** Counted from the end of the lane's fault before. */
  readonly afterMs: number;
  readonly holdMs: number;
  /** From 0 up to 1: which of the tabs or processes that are there then. */
  readonly pick: number;
}

/** How dense the faults are. */
export interface Pace {
  /** Longest quiet time between two faults of a lane. */
  readonly quietMsMax: Readonly<Record<Lane, number>>;
  /** Shortens what lasts. */
  readonly holdFactor: number;
}

/** A run of hours: time to recover from most faults before the next. */
export const longPace: Pace = {
  quietMsMax: { network: 8_000, browser: 8_000, disk: 240_000 },
  holdFactor: 1,
};

/** A run of a minute: faults fall into the recovery from others most of the time. */
export const shortPace: Pace = {
  quietMsMax: { network: 2_500, browser: 2_500, disk: 30_000 },
  holdFactor: 0.3,
};

/**
 * The faults of one lane, without end, unless none of these kinds belongs to it. Every kind is dealt as often as its share before the deck is mixed again, so
 * that a short run sees most of them.
 */
export function* planLane(
  seed: number,
  lane: Lane,
  pace: Pace,
  kinds: ReadonlySet<FaultKind>,
): Generator<PlannedFault, void> {
  const random = seededRandom(seed, lane);
  const deck = faultKinds.flatMap((kind) =>
    shapes[kind].lane === lane && kinds.has(kind) ? Array<FaultKind>(shapes[kind].share).fill(kind) : [],
  );
  while (deck.length > 0) {
    for (const kind of random.shuffle(deck)) {
      const { holdMs, isFixed }: FaultShape = shapes[kind];
      const [min, max] = holdMs;
      yield {
        kind,
        afterMs: random.integer(0, pace.quietMsMax[lane]),
        holdMs: Math.round(random.integer(min, max) * (isFixed ? 1 : pace.holdFactor)),
        pick: random.next(),
      };
    }
  }
}
