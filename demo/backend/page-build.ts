import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The folder of the built page. */
export const pageFolder = here('../dist');

/** Builds the page unless it is newer than all it is made of. `npm start` has done so already. */
export const ensurePage = async (): Promise<void> => {
  const sources = [
    ...filesIn(here('..'), ['dist', 'backend']),
    here('../../dist/index.js'),
    here('../../dist/worker.js'),
  ];
  const builtAt = modifiedAt(join(pageFolder, 'index.html'));
  if (builtAt > 0 && sources.every((file) => modifiedAt(file) <= builtAt)) return;
  console.log('Building the demo page ...');
  await build({ configFile: here('../../vite.config.ts'), mode: 'demo', logLevel: 'warn' });
};

const filesIn = (folder: string, without: readonly string[]): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !without.includes(name) && !name.endsWith('.test.ts'))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesIn(path, without) : [path];
    });

const modifiedAt = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
