import type { LargeSize } from './large.ts';
import {
  entryName,
  partsOf,
  type Damage,
  type Held,
  type ServerRecord,
  type Story,
  type View,
} from './story.ts';

/** What is told of a run, beside the server's record. */
export interface Told {
  readonly stories: Iterable<Story>;
  readonly views: Iterable<View>;
  readonly damages: Iterable<Damage>;
  /** Pages that lived to the end: they must have seen all. */
  readonly survivors: ReadonlySet<string>;
  /** Topics that pages subscribe to by a stored cursor. */
  readonly cursorTopics: readonly string[];
}

/** Something that must not be. `entry` is the name of the one concerned, where there is one. */
export interface Finding {
  readonly kind: FindingKind;
  readonly entry: string | null;
  readonly text: string;
}

/**
 * - `lost`: told stored while the outbox was durable, or acknowledged; and the server does not have it
 * - `doubled`: the server has it more than once
 * - `disordered`: behind a later entry of the same page and topic; those behind a large one wait for it
 * - `damaged`: a large content that is not what was published, in the record or as a subscriber read it
 * - `revoked`: told stored while the outbox was durable, and failed afterwards
 * - `undead`: told as failed, with a code that promises that the server does not get it; but it has it
 * - `history`: the server's own record has a hole or two epochs, or holds what nobody published
 * - `view`: a subscriber saw a hole, a repetition, another message than the server holds, or not all
 * - `cursor`: a subscription with a stored cursor began behind messages that nobody had seen
 */
export type FindingKind =
  | 'lost'
  | 'doubled'
  | 'disordered'
  | 'damaged'
  | 'revoked'
  | 'undead'
  | 'history'
  | 'view'
  | 'cursor';

/** Codes after which the outcome is unknown. */
const openCodes: ReadonlySet<string> = new Set(['hub-lost', 'closed']);

const isClaimed = ({ storedAt, durability, ackedAt }: Story): boolean =>
  ackedAt !== undefined || (storedAt !== undefined && durability !== 'memory');

/** Compares what the server holds with what pages were told. An empty list is a good run. */
export const judge = (record: ServerRecord, told: Told): Finding[] => {
  const findings: Finding[] = [];
  const find = (kind: FindingKind, entry: string | null, text: string): void =>
    void findings.push({ kind, entry, text });
  const kept = new Map<string, Held[]>();
  for (const [topic, held] of record) {
    judgeTopic(topic, held, find);
    for (const message of held) kept.set(message.entry, [...(kept.get(message.entry) ?? []), message]);
  }
  for (const [entry, { length }] of kept) {
    if (length > 1) find('doubled', entry, `the server has it ${length} times`);
  }
  for (const story of told.stories) judgeStory(story, kept, find);
  for (const { producer, topic, offset, entry, problem } of told.damages) {
    find('damaged', entry, `${producer} read it at offset ${offset} of ${topic}: ${problem}`);
  }
  const views = [...told.views];
  for (const producer of told.survivors) {
    for (const topic of record.keys()) {
      if (views.some((view) => view.producer === producer && view.topic === topic)) continue;
      views.push({ producer, topic, sights: [], beganWith: null });
    }
  }
  for (const view of views) {
    judgeView(view, record.get(view.topic) ?? [], told.survivors.has(view.producer), find);
  }
  for (const topic of told.cursorTopics) {
    judgeCursor(
      views.filter((view) => view.topic === topic),
      find,
    );
  }
  return findings;
};

type Find = (kind: FindingKind, entry: string | null, text: string) => void;

const judgeTopic = (topic: string, held: readonly Held[], find: Find): void => {
  const last = new Map<string, number>();
  for (const [index, { epoch, offset, entry, large }] of held.entries()) {
    if (large?.problem) find('damaged', entry, `in ${topic} at offset ${offset}: ${large.problem}`);
    if (offset !== index + 1) find('history', entry, `${topic} has offset ${offset} at place ${index + 1}`);
    if (epoch !== held[0]!.epoch) find('history', entry, `${topic} began anew at offset ${offset}`);
    const { producer, n } = partsOf(entry);
    const before = last.get(producer) ?? 0;
    // The same number again is a doubled entry, and told as such.
    if (n < before) find('disordered', entry, `in ${topic} at offset ${offset}, behind number ${before}`);
    last.set(producer, Math.max(before, n));
  }
};

/** A content as one can compare it. */
const sizeText = (large: LargeSize | undefined): string =>
  large ? `${large.bytes} bytes of ${large.form}` : 'a small one';

const judgeStory = (story: Story, kept: ReadonlyMap<string, readonly Held[]>, find: Find): void => {
  const entry = entryName(story.producer, story.n);
  const held = kept.get(entry) ?? [];
  const isHeld = held.length > 0;
  const { failed, storedAt, durability } = story;
  const due = sizeText(story.large);
  const other = held.map(({ large }) => sizeText(large)).find((text) => text !== due);
  if (other !== undefined) find('damaged', entry, `published as ${due}, and held as ${other}`);
  if (isClaimed(story) && !isHeld) find('lost', entry, 'the server does not have it');
  if (failed === undefined) return;
  if (storedAt !== undefined && durability !== 'memory') {
    find('revoked', entry, `told stored, and then ${failed.code}`);
  }
  if (isHeld && !openCodes.has(failed.code)) find('undead', entry, `failed with ${failed.code}, but arrived`);
};

const judgeView = (view: View, held: readonly Held[], mustEnd: boolean, find: Find): void => {
  const { producer, topic, sights } = view;
  let next: number | null = null;
  for (const { kind, epoch, offset, text } of sights) {
    if (kind === 'gap') {
      next = offset + 1;
      continue;
    }
    if (next !== null && offset !== next) {
      find('view', text, `${producer} saw offset ${offset} of ${topic} where ${next} was due`);
    }
    const is = held[offset - 1];
    if (is?.entry !== text || is.epoch !== epoch) {
      find(
        'view',
        text,
        `${producer} saw it at offset ${offset} of ${topic}, which is ${is?.entry ?? 'empty'}`,
      );
    }
    next = offset + 1;
  }
  if (mustEnd && next !== held.length + 1) {
    const seen = next === null ? 'nothing' : `all up to offset ${next - 1}`;
    find('view', null, `${producer} saw ${seen} of ${topic}, which has ${held.length}`);
  }
};

/** All pages together have seen everything, from the first message that any has seen. Gaps count as seen. */
const judgeCursor = (views: readonly View[], find: Find): void => {
  const seen = new Set(views.flatMap(({ sights }) => sights.map(({ offset }) => offset)));
  const first = [...seen].reduce((least, offset) => Math.min(least, offset), Infinity);
  for (const { producer, topic, sights, beganWith } of views) {
    const began = sights[0];
    if (began === undefined || began.offset === first || seen.has(began.offset - 1)) continue;
    // A hub that could not open its store knows no cursor.
    if (beganWith === null || beganWith === 'memory') continue;
    find('cursor', began.text, `${producer} began with it at offset ${began.offset} of ${topic}`);
  }
};
