import type { FaultKind, Lane } from './schedule.ts';

/** One fault that happened. Times in milliseconds since the start of the run. */
export interface Suffered {
  readonly kind: FaultKind;
  readonly lane: Lane;
  readonly at: number;
  endedAt: number | null;
  note: string;
}

/** Every fault of a run, and which are under way. */
export class FaultLog {
  readonly all: Suffered[] = [];

  /** Whether a fault of one of these lanes is under way. */
  isActive(...lanes: readonly Lane[]): boolean {
    return this.all.some(({ lane, endedAt }) => endedAt === null && lanes.includes(lane));
  }

  /** As `3 cut, 2 stall`. */
  byKind(): string {
    const counts = new Map<FaultKind, number>();
    for (const { kind } of this.all) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ');
  }

  /** The last ones that began before a time. */
  before(at: number, count: number): Suffered[] {
    return this.all.filter((fault) => fault.at <= at).slice(-count);
  }
}

/** One fault as a line. */
export const lineOfFault = ({ kind, at, endedAt, note }: Suffered): string => {
  const lasted = endedAt === null ? '' : ` for ${Math.round(endedAt - at)} ms`;
  return `${(at / 1_000).toFixed(2)} s  ${kind}${lasted}${note === '' ? '' : ` (${note})`}`;
};
