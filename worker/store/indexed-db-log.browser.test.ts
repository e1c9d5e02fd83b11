import { expect, it, vi } from 'vitest';
import { storeChange, storeEntry } from '../testing/store-conformance-kit.ts';
import { IndexedDbLog } from './indexed-db-log.ts';

const empty = () => storeChange({});

it('keeps what a write in doubt may have stored when the next one only frees', async () => {
  const name = `test:${crypto.randomUUID()}`;
  let expire = () => {};
  const clock = {
    context: () => ({ now: 0, ticks: 0, random: 0 }),
    after(_: number, run: () => void) {
      expire = run;
      return () => {};
    },
  };
  const log = new IndexedDbLog(name, 'client', 'strict', clock);
  const { stored } = await log.open();
  const acked = stored.lastSeq + 1;
  const held = acked + 1;
  const released = held + 1;
  await log.write(storeChange({ entries: [storeEntry(acked)] }), empty, false);
  await log.write(storeChange({ held: [storeEntry(held)] }), empty, false);
  // The deadline passes while it commits.
  const { commit } = IDBTransaction.prototype;
  const late = vi.spyOn(IDBTransaction.prototype, 'commit').mockImplementation(function (
    this: IDBTransaction,
  ) {
    commit.call(this);
    expire();
  });
  const inDoubt = log.write(
    storeChange({ heldRemoved: [held], entries: [storeEntry(released)] }),
    empty,
    false,
  );
  await expect(inDoubt).rejects.toThrow('IndexedDB does not answer');
  late.mockRestore();
  await log.write(storeChange({ acked }), empty, true);
  // The process dies before anything else is written.
  log.close();
  const left = await new IndexedDbLog(name, 'client', 'strict', clock).open();
  expect(left.stored.entries.map(({ seq }) => seq)).toEqual([released]);
});
