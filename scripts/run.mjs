import { spawn } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
export const isCI = Boolean(process.env.CI) && process.env.CI !== 'false';

const isWindows = process.platform === 'win32';

/** The path of a tool in node_modules. */
export const tool = (name) => resolve(root, 'node_modules/.bin', isWindows ? `${name}.cmd` : name);

/**
 * Runs a command in the repository's root; resolves with its exit code and, unless `show`, its output.
 * A command that outlives `timeoutMs` is ended together with its children, and gets the code 124.
 */
export const run = (command, args, { env = {}, show = false, timeoutMs = 0, cwd = root } = {}) =>
  new Promise((done) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: show ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      shell: isWindows,
      // A group of its own lets a timeout reach the grandchildren; without a timeout Ctrl+C has to reach them.
      detached: timeoutMs > 0 && !isWindows,
    });
    let output = '';
    let isLate = false;
    child.stdout?.on('data', (text) => (output += text));
    child.stderr?.on('data', (text) => (output += text));
    const end = () => {
      isLate = true;
      if (isWindows) child.kill();
      else process.kill(-child.pid, 'SIGKILL');
    };
    const timer = timeoutMs > 0 ? setTimeout(end, timeoutMs) : undefined;
    child.on('error', (error) => {
      clearTimeout(timer);
      done({ code: 127, output: String(error) });
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      done({ code: isLate ? 124 : (code ?? 1), output });
    });
  });
