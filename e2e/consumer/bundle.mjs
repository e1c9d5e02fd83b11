// Builds the app in the current folder: `node bundle.mjs webpack|rspack <outDir>`. The bundler is this repository's, and
// gets no setting but where to begin and where to write.
import { copyFile } from 'node:fs/promises';
import { resolve } from 'node:path';

const [name, outDir] = process.argv.slice(2);
const { default: bundler } = await (name === 'webpack' ? import('webpack') : import('@rspack/core'));
const context = process.cwd();
const path = resolve(context, outDir);
const compiler = bundler({ context, mode: 'production', entry: './main.js', output: { path } });
const stats = await new Promise((done, fail) =>
  compiler.run((error, result) => (error ? fail(error) : done(result))),
);
// A warning, too: it would mean that the bundler did not understand something that we ship.
if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString());
await copyFile(resolve(context, 'bundled.html'), resolve(path, 'index.html'));
