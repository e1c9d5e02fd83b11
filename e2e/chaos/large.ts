import * as chaosLimits from './limits.ts';
import { seededRandom } from './random.ts';

/** What a large entry is published as, in the words of the protocol. */
export type LargeForm = 'json' | 'bytes' | 'blob';

/** A large content as its page knows it, and as the server's record has it. */
export interface LargeSize {
  readonly form: LargeForm;
  /** Of the content as it travels. */
  readonly bytes: number;
}

/** One large entry to come. */
export interface LargeShape {
  /** How many entries of the page later than its last large one. */
  readonly after: number;
  readonly form: LargeForm;
  /** In characters. */
  readonly length: number;
}

const forms: readonly LargeForm[] = ['json', 'bytes', 'blob'];

/** The large entries of the page that was opened as the n-th one, which begins anew behind the last of them. */
export const planLarges = (seed: number, page: number, minutes: number): LargeShape[] => {
  const random = seededRandom(seed, `large entries of page ${page}`);
  const rarer = Math.max(1, minutes / chaosLimits.largeMinutesMax);
  const [lengthMin, lengthMax] = chaosLimits.largeLength;
  return Array.from({ length: chaosLimits.largeShapes }, (_, index) => {
    const [min, max] = chaosLimits.largeEvery.map((entries) => Math.round(entries * rarer)) as [
      number,
      number,
    ];
    return {
      // Some pages die young.
      after: random.integer(index === 0 ? 1 : min, max),
      form: forms[random.integer(0, forms.length - 1)]!,
      // Every order of magnitude is as likely as every other one.
      length: Math.round(lengthMin * (lengthMax / lengthMin) ** random.next()),
    };
  });
};

/**
 * The contents of large entries. Each line tells the entry and its own place, so that parts of another content or in
 * another order are found, too. The text of this class goes into pages, so that it must use nothing of this module.
 */
export class LargeTexts {
  /** The content of an entry. Some characters have two bytes, so that now and then the end of a chunk parts one. */
  make(entry: string, form: LargeForm, length: number): string {
    let text = '';
    for (let line = 0; text.length < length; line += 1) {
      text += `${entry} ${form} ${length} ${line} `.padEnd(1_000, 'xxxxxxxé');
    }
    return text.slice(0, length);
  }

  /** Which entry a content names, and what is wrong with it. */
  check(form: LargeForm, text: string): { readonly entry: string; readonly problem: string | null } {
    const [, entry = '?', ofForm, length] = /^(\S+) (\w+) (\d+) /.exec(text) ?? [];
    if (ofForm !== form) return { entry, problem: `${ofForm} came as ${form}` };
    if (Number(length) !== text.length)
      return { entry, problem: `${text.length} characters came of ${length}` };
    const due = this.make(entry, form, text.length);
    if (due === text) return { entry, problem: null };
    let at = 0;
    while (due[at] === text[at]) at += 1;
    return { entry, problem: `the content differs from character ${at} on` };
  }
}

/** The contents of large entries. */
export const largeTexts = new LargeTexts();

/** The media type of the Blob of an entry: it tells its name before the content is read. */
export const mimeOf = (entry: string): string => `chaos/${entry}`;
