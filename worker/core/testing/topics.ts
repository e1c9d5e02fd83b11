import type { ServerMessage } from '../../../src/protocol/schema.ts';
import type { Tab } from '../tab-types.ts';
import { Tabs } from '../tabs.ts';

/** Tabs with these ids, and nothing to say. */
export function tabsOf(...ids: string[]): Tab[] {
  const tabs = new Tabs();
  return ids.map((id) => tabs.add(id, false, 0));
}

type Part<T extends 'message' | 'gap' | 'subscribed'> = Partial<ServerMessage<T>> & {
  readonly offset: number;
};

/** A message as the server sends it; its payload is its offset unless said. */
export const message = (more: Part<'message'>): ServerMessage<'message'> => ({
  type: 'message',
  id: `m${more.offset}`,
  ts: 1,
  topic: 't',
  epoch: 'e',
  payload: more.offset,
  ...more,
});

/** Messages with the offsets from `first` to `last`. */
export const messages = (first: number, last: number, more: Partial<ServerMessage<'message'>> = {}) =>
  Array.from({ length: last - first + 1 }, (_, index) => message({ ...more, offset: first + index }));

export const subscribed = (
  more: Part<'subscribed'> & { readonly re: string },
): ServerMessage<'subscribed'> => ({
  type: 'subscribed',
  id: 'x',
  ts: 1,
  topic: 't',
  epoch: 'e',
  head: more.offset,
  ...more,
});

export const gap = (more: Part<'gap'>): ServerMessage<'gap'> => ({
  type: 'gap',
  id: 'x',
  ts: 1,
  topic: 't',
  epoch: 'e',
  payload: { reason: 'history' },
  ...more,
});
