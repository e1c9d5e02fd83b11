import { expect, it } from 'vitest';
import { closeReason } from './close-reason.ts';

it.each([
  ['short', 'short'],
  ['x'.repeat(123), 'x'.repeat(123)],
  ['x'.repeat(124), 'x'.repeat(123)],
  ['ü'.repeat(62), 'ü'.repeat(61)],
  ['\u{1F600}'.repeat(40), '\u{1F600}'.repeat(30)],
  [`\uD800${'x'.repeat(10)}`, `\uFFFD${'x'.repeat(10)}`],
])('keeps what a close frame holds of %j', (text, kept) => {
  expect(closeReason(text)).toBe(kept);
});
