import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { mutants } from './mutants.mjs';

test.each(mutants)('the text of the mutant "$name" stands exactly once in its files', ({ edits }) => {
  for (const { file, find } of edits) {
    const text = readFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), 'utf8');
    expect(text.split(find)).toHaveLength(2);
  }
});
