import { expect, longHistory, test } from './harness/test.ts';

/** The hub keeps so many messages of a topic; a tab that is further behind than this gets a gap. */
const tailMessages = 8_192;

test.use({ settings: longHistory });

/** Makes a tab block its main thread in the handler of the message `{ stop: key }` until `site.release(key)`. */
const stuckScript = (): void => {
  pageTab.subscriptions[0]!.onMessage(({ payload }) => {
    const key = (payload as { stop?: string }).stop;
    if (key === undefined) return;
    const request = new XMLHttpRequest();
    request.open('GET', `/hold/${key}`, false);
    request.send();
  });
};

for (const [kind, count] of [
  ['within the tail of the hub', 4_000],
  ['beyond the tail of the hub', 20_000],
] as const) {
  test(`a flood ${kind} into a stuck tab does not slow another`, async ({ backend, site, open }) => {
    const key = `flood-${count}`;
    const [quick, slow] = [await open(), await open()];
    for (const tab of [quick, slow]) await tab.subscribe('flood');
    await slow.page.evaluate(stuckScript);
    await backend.publish('flood', { stop: key });
    await site.held(key);

    // The slow tab stays stuck until all of this has happened.
    await backend.flood('flood', count);
    await backend.publish('flood', 'end');
    await quick.receivesPayload('flood', 'end');
    const accepted = await backend.lines('flood');
    expect(accepted).toHaveLength(count + 2);
    expect(await quick.lines('flood')).toEqual(accepted);
    expect(await quick.gaps('flood')).toEqual([]);

    site.release(key);
    await slow.receivesPayload('flood', 'end');
    const gaps = await slow.gaps('flood');
    const lines = await slow.lines('flood');
    const missed = gaps.reduce((sum, gap) => sum + gap.missed!, 0);
    expect(lines.length + missed).toBe(accepted.length);
    expect(new Set(gaps.map(({ text }) => text))).toEqual(new Set(count > tailMessages ? ['slow-tab'] : []));
    // It has seen what was accepted, but for the gaps, each of which says where it ends.
    const wanted = gaps.reduceRight(
      (list, gap) => list.toSpliced(gap.offset - gap.missed!, gap.missed!),
      accepted,
    );
    expect(lines).toEqual(wanted);
    const isInPlace = await slow.page.evaluate(() =>
      pageTab.seen['flood']!.every(({ kind, offset, missed }, at, all) => {
        const before = all[at - 1]?.offset ?? 0;
        return offset === before + (kind === 'gap' ? missed! : 1);
      }),
    );
    expect(isInPlace).toBe(true);
    expect((await backend.record()).connections).toEqual({ now: 1, ever: 1 });
  });
}

test('a loop that does not read holds up nobody, and goes on where it was or after a gap', async ({
  backend,
  open,
}) => {
  const [quick, slow] = [await open(), await open()];
  await quick.subscribe('flood');
  await slow.page.evaluate(async () => {
    const subscription = pageTab.socket.subscribe('flood');
    const gaps: number[] = [];
    subscription.onGap(({ missed }) => gaps.push(missed!));
    const loop = subscription[Symbol.asyncIterator]();
    await subscription.ready;
    Object.assign(globalThis, { loop, gaps });
  });
  await backend.publish('flood', { n: 0 });
  await slow.page.evaluate(() => (globalThis as unknown as { loop: AsyncIterator<unknown> }).loop.next());

  await backend.flood('flood', 20_000);
  await backend.publish('flood', 'end');
  await quick.receivesPayload('flood', 'end');
  expect(await quick.lines('flood')).toEqual(await backend.lines('flood'));
  // Other topics of the same tab go on meanwhile.
  await slow.subscribe('other');
  await backend.publish('other', 'hello');
  await slow.receivesPayload('other', 'hello');

  const { read, isOrdered, gaps } = await slow.page.evaluate(async () => {
    const { loop, gaps } = globalThis as unknown as {
      loop: AsyncIterableIterator<{ offset: number; payload: unknown }>;
      gaps: number[];
    };
    const offsets: number[] = [];
    for await (const { offset, payload } of loop) {
      offsets.push(offset);
      if (payload === 'end') break;
    }
    const isOrdered = offsets.every((offset, at) => at === 0 || offset > offsets[at - 1]!);
    return { read: offsets.length, isOrdered, gaps };
  });
  expect(isOrdered).toBe(true);
  expect(gaps.length).toBeGreaterThan(0);
  expect(read + gaps.reduce((sum, missed) => sum + missed, 0)).toBe(20_001);
});
