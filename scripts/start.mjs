// Starts the demo on a machine that has nothing but Node: packages, build, server, browser.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from './build.mjs';
import { ensurePackages } from './packages.mjs';
import { isCI, root } from './run.mjs';

const oldestNode = [20, 19];
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1])) {
  console.error(`onesocket needs Node ${oldestNode.join('.')} or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

const hasDesktop = () =>
  !isCI && (process.platform !== 'linux' || Boolean(process.env.DISPLAY ?? process.env.WAYLAND_DISPLAY));

const openers = { darwin: ['open'], win32: ['cmd', '/c', 'start', ''] };

const openInBrowser = (url) => {
  const [command, ...args] = openers[process.platform] ?? ['xdg-open'];
  // A desktop without an opener is no reason to stop: the URL stands in the terminal.
  spawn(command, [...args, url], { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref();
};

const startDemo = () => {
  const main = resolve(root, 'demo/backend/main.ts');
  if (!existsSync(main)) throw new Error('demo/backend/main.ts is missing');
  const child = spawn(process.execPath, ['--import', 'tsx', main, ...process.argv.slice(2)], {
    cwd: root,
    stdio: ['inherit', 'pipe', 'inherit'],
  });
  let isOpened = false;
  createInterface({ input: child.stdout }).on('line', (line) => {
    console.log(line);
    const url = /https?:\/\/[^\s'"]+/.exec(line)?.[0];
    if (url === undefined || isOpened) return;
    isOpened = true;
    if (hasDesktop()) openInBrowser(url);
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('close', (code) => process.exit(code ?? 0));
};

try {
  if (!(await ensurePackages())) throw new Error('The npm packages could not be installed.');
  await build();
  console.log('Starting the demo; Ctrl+C stops it.');
  startDemo();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
