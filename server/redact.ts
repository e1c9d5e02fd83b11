/** What stands in the place of a token. */
export const redacted = '[token]';

/** A part of a token that is shorter than this says nothing; a longer one is taken out of a text. */
const partLength = 8;

/**
 * A text of somebody else's, without what it quotes of a token: libraries like to quote what they could not read, whole,
 * cut short, or as it was encoded for its way.
 */
export function withoutToken(text: string, token: string): string {
  const forms = [token, encodeForUrl(token), Buffer.from(token).toString('base64url')];
  let result = '';
  for (let at = 0; at < text.length;) {
    const length = Math.max(...forms.map((form) => quotedLength(text, at, form)));
    result += length > 0 ? redacted : text[at];
    at += Math.max(length, 1);
  }
  return result;
}

/** How many characters of `text`, from `at` on, stand in `form` in this order; 0 where they are too few to matter. */
function quotedLength(text: string, at: number, form: string): number {
  const atLeast = Math.min(partLength, form.length);
  let length = atLeast;
  if (length === 0 || at + length > text.length || !form.includes(text.slice(at, at + length))) return 0;
  while (at + length < text.length && form.includes(text.slice(at, at + length + 1))) length++;
  return length;
}

/** As `encodeURIComponent`, which throws at a lone surrogate. */
const encodeForUrl = (token: string): string =>
  encodeURIComponent(token.replaceAll(/\p{Surrogate}/gu, '\ufffd'));
