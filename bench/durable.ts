import { measureAcknowledged } from './acknowledged.ts';
import type { BenchPlan, BenchRow } from './contract.ts';
import type { Lab } from './lab.ts';
import { measureRestart } from './restart.ts';
import { measureStoring } from './storing.ts';

/** The durable outbox: storing, beginning again with a full one, and the whole way to the acknowledgement. */
export async function measureDurable(lab: Lab, plan: BenchPlan): Promise<BenchRow[]> {
  return [
    ...(await measureStoring(lab, plan)),
    ...(await measureRestart(lab, plan)),
    ...(await measureAcknowledged(lab, plan)),
  ];
}
