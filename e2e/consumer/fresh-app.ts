import { spawn, type ChildProcess } from 'node:child_process';
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const startDeadlineMs = 30_000;

/** A process that announced where it listens. */
export interface Service {
  readonly url: string;
  stop(): Promise<void>;
}

const runToEnd = (command: string, args: readonly string[], cwd: string): Promise<string> =>
  new Promise((done, fail) => {
    const child = spawn(command, args, { cwd, shell: process.platform === 'win32' });
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    child.stderr.on('data', (text) => (output += text));
    child.on('error', fail);
    child.on('close', (code) =>
      code === 0 ? done(output) : fail(new Error(`${command} ${args.join(' ')}\n${output}`)),
    );
  });

const end = (child: ChildProcess): Promise<void> =>
  new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) return done();
    child.once('exit', () => done());
    child.kill('SIGKILL');
  });

/** Starts a Node script and waits for the first URL in its output. */
const startService = (args: readonly string[], cwd: string): Promise<Service> =>
  new Promise((done, fail) => {
    const child = spawn(process.execPath, args, { cwd, env: { ...process.env, NO_COLOR: '1' } });
    let output = '';
    const giveUp = (why: string): void => {
      clearTimeout(deadline);
      void end(child).then(() => fail(new Error(`${args.join(' ')}: ${why}\n${output}`)));
    };
    const deadline = setTimeout(() => giveUp('no URL in time'), startDeadlineMs);
    const read = (text: Buffer): void => {
      output += String(text);
      const url = /https?:\/\/\S+\//.exec(output)?.[0];
      if (url === undefined) return;
      clearTimeout(deadline);
      done({ url, stop: () => end(child) });
    };
    child.stdout.on('data', read);
    child.stderr.on('data', (text) => (output += String(text)));
    child.once('exit', (code) => giveUp(`exit code ${code}`));
  });

/** The version of a package that this repository has. */
const versionOf = async (name: string): Promise<string> => {
  const manifest = JSON.parse(await readFile(resolve(root, 'node_modules', name, 'package.json'), 'utf8'));
  return manifest.version as string;
};

/** An app outside of this repository, with the packed package installed as a user would. */
export class FreshApp {
  readonly #folder: string;
  readonly #app: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#app = join(folder, 'app');
  }

  /** Makes one with these packages beside ours, in the versions that this repository has. */
  static async create(packages: readonly string[]): Promise<FreshApp> {
    const folder = await mkdtemp(join(tmpdir(), 'onesocket-consumer-'));
    const fresh = new FreshApp(folder);
    // The build that is tested is the one in dist/: packing must not start another.
    await runToEnd(npm, ['pack', '--ignore-scripts', '--pack-destination', folder], root);
    const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
    await cp(resolve(root, 'e2e/consumer/app'), fresh.#app, { recursive: true });
    const dependencies = { onesocket: `file:../${tarball}` };
    const manifest = { private: true, type: 'module', dependencies };
    await writeFile(join(fresh.#app, 'package.json'), JSON.stringify(manifest));
    await fresh.install(packages);
    return fresh;
  }

  /** Installs these packages as well, in the versions that this repository has. */
  async install(packages: readonly string[]): Promise<void> {
    const exact = await Promise.all(packages.map(async (name) => `${name}@${await versionOf(name)}`));
    await runToEnd(npm, ['install', '--prefer-offline', '--no-audit', '--no-fund', ...exact], this.#app);
  }

  /** Where a file of the app, or of a package that it has, is. */
  path(...parts: readonly string[]): string {
    return join(this.#app, ...parts);
  }

  /** Checks the types of the app by its tsconfig.json, and compiles it. Gives what the compiler says if it fails. */
  compile(): Promise<string> {
    return runToEnd(
      process.execPath,
      [resolve(root, 'node_modules/typescript/bin/tsc'), '-p', '.'],
      this.#app,
    );
  }

  /** Runs a script of the app to its end, and gives the JSON of its last line; what is before it is its log. */
  async run(script: string): Promise<Record<string, unknown>> {
    const output = await runToEnd(process.execPath, [script], this.#app);
    return JSON.parse(output.trim().split('\n').at(-1)!) as Record<string, unknown>;
  }

  /** Runs Vite to its end: `build`, for example. */
  vite(...args: readonly string[]): Promise<string> {
    return runToEnd(process.execPath, ['node_modules/vite/bin/vite.js', ...args], this.#app);
  }

  /** Starts Vite as a server: `dev`, `preview`. */
  serve(...args: readonly string[]): Promise<Service> {
    return startService(['node_modules/vite/bin/vite.js', ...args, '--host', '127.0.0.1'], this.#app);
  }

  /** Builds the app by another bundler of this repository, without any setting. Gives the scripts that it wrote. */
  async bundle(bundler: 'webpack' | 'rspack', outDir: string): Promise<string[]> {
    const script = fileURLToPath(new URL('bundle.mjs', import.meta.url));
    await runToEnd(process.execPath, [script, bundler, outDir], this.#app);
    return (await readdir(join(this.#app, outDir))).filter((name) => name.endsWith('.js'));
  }

  /** Starts a script of the app in a process of its own. */
  start(...args: readonly string[]): Promise<Service> {
    return startService(args, this.#app);
  }

  remove(): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true });
  }
}
