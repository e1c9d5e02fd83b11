import { lineOfFault, type FaultLog } from './fault-log.ts';
import type { Finding, FindingKind } from './judge.ts';
import * as chaosLimits from './limits.ts';
import type { Recorder } from './recorder.ts';
import type { Setting } from './setting.ts';
import type { ServerRecord, Story } from './story.ts';

/** What a report is made of. */
export interface ReportSource {
  readonly setting: Setting;
  readonly seed: number;
  readonly minutes: number;
  readonly log: FaultLog;
  readonly recorder: Recorder;
  readonly record: ServerRecord;
  readonly findings: readonly Finding[];
  /** What went wrong beside what the judge finds. */
  readonly troubles: readonly string[];
}

const count = (findings: readonly Finding[], kind: FindingKind): number =>
  findings.filter((finding) => finding.kind === kind).length;

/** The last line of a run. */
export const summaryOf = ({
  setting: { browser, host },
  seed,
  minutes,
  log,
  recorder,
  findings,
}: ReportSource): string =>
  `chaos seed ${seed}: ${browser}, ${host}, ${minutes.toFixed(1)} min, ${log.all.length} faults (${log.byKind()}), ` +
  `${recorder.stored} stored (${largeStories(recorder).filter(isStored).length} large), ` +
  `${count(findings, 'lost')} lost, ${count(findings, 'doubled')} doubled, ` +
  `${count(findings, 'disordered')} out of order, ${count(findings, 'damaged')} damaged`;

const largeStories = ({ stories }: Recorder): Story[] =>
  [...stories.values()].filter(({ large }) => large !== undefined);

const isStored = ({ storedAt, durability }: Story): boolean =>
  storedAt !== undefined && durability !== 'memory';

/** The large entries of a run, as one line. */
export const largeCounts = ({ recorder, record, log }: ReportSource): string => {
  const stories = largeStories(recorder);
  const held = [...record.values()].flat().flatMap(({ large }) => large ?? []);
  const bytes = held.reduce((sum, large) => sum + large.bytes, 0);
  const suffered = stories.filter(({ publishedAt, ackedAt, failed }) => {
    const end = ackedAt ?? failed?.at ?? Infinity;
    return log.all.some(({ lane, at }) => lane !== 'disk' && at > publishedAt && at < end);
  });
  return (
    `large: ${stories.length} published, ${stories.filter(isStored).length} stored, ` +
    `${stories.filter(({ ackedAt }) => ackedAt !== undefined).length} acked, ` +
    `${held.length} in the record with ${(bytes / 1024 ** 2).toFixed(1)} MiB, ` +
    `${recorder.checked} read by subscribers, ${suffered.length} on their way up when a fault began`
  );
};

/** What went wrong, with the story of the first entries concerned. Empty if nothing did. */
export const failureOf = (source: ReportSource): string => {
  const { setting, seed, findings, troubles } = source;
  if (findings.length + troubles.length === 0) return '';
  const lines = [`Failed, seed ${seed}, ${setting.browser}, ${setting.host}:`, ...troubles];
  for (const [kind, ofKind] of byKind(findings)) {
    lines.push(`${kind}: ${ofKind.length}`);
    for (const finding of ofKind.slice(0, chaosLimits.storiesTold)) lines.push(...tell(finding, source));
  }
  return lines.join('\n');
};

const byKind = (findings: readonly Finding[]): Map<FindingKind, Finding[]> => {
  const kinds = new Map<FindingKind, Finding[]>();
  for (const finding of findings) kinds.set(finding.kind, [...(kinds.get(finding.kind) ?? []), finding]);
  return kinds;
};

const tell = ({ entry, text }: Finding, { recorder, record, log }: ReportSource): string[] => {
  if (entry === null) return [`  ${text}`];
  const story = recorder.stories.get(entry);
  const lines = [
    `  ${entry}: ${text}`,
    `    ${story ? storyLine(story) : 'nobody told that it was published'}`,
  ];
  for (const [topic, held] of record) {
    for (const { offset, entry: name } of held) {
      if (name === entry) lines.push(`    in the record: ${topic} offset ${offset}`);
    }
  }
  if (story === undefined) return lines;
  lines.push('    faults around its last news:');
  const last = Math.max(story.publishedAt, story.storedAt ?? 0, story.ackedAt ?? 0, story.failed?.at ?? 0);
  for (const fault of log.before(last + 5_000, chaosLimits.faultsTold))
    lines.push(`      ${lineOfFault(fault)}`);
  return lines;
};

const storyLine = ({ topic, large, publishedAt, storedAt, durability, ackedAt, failed }: Story): string => {
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;
  return [
    `published to ${topic} at ${seconds(publishedAt)}${large ? `, ${large.bytes} bytes of ${large.form}` : ''}`,
    storedAt === undefined ? 'never told stored' : `told stored (${durability}) at ${seconds(storedAt)}`,
    ackedAt === undefined ? 'never told acked' : `told acked at ${seconds(ackedAt)}`,
    ...(failed ? [`${failed.promise} failed with ${failed.code} at ${seconds(failed.at)}`] : []),
  ].join(', ');
};
