/** Real nginx in front of a test's server, with the configuration that docs/nginx.conf gives to everybody. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What stands once in the file, and what it becomes. */
export type Edit = readonly [find: string, replace: string];

/** nginx with TLS on a free port of 127.0.0.1. */
export interface Nginx extends AsyncDisposable {
  readonly port: number;
  /** The certificate, for clients to trust. */
  readonly certificate: string;
  /** Lines of the access log, once nginx has ended. */
  end(): Promise<string[]>;
}

const documented = fileURLToPath(new URL('../../docs/nginx.conf', import.meta.url));

/** The program to test with; undefined where scripts/setup.mjs has found none. */
export const nginxProgram = process.env['ONESOCKET_NGINX'];

/** Starts nginx in front of the server at `upstreamPort`; `edits` change the documented file. */
export async function startNginx(upstreamPort: number, edits: readonly Edit[] = []): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'onesocket-nginx-'));
  const port = await freePort();
  makeCertificate(folder);
  const site = [
    ['server 127.0.0.1:8080;', `server 127.0.0.1:${upstreamPort};`],
    ['listen 443 ssl;', `listen 127.0.0.1:${port} ssl;`],
    ['/etc/ssl/app.example.pem', join(folder, 'cert.pem')],
    ['/etc/ssl/app.example.key', join(folder, 'key.pem')],
    ['/var/log/nginx/onesocket.log', join(folder, 'access.log')],
    ...edits,
  ].reduce((text, edit) => replaced(text, edit as Edit), readFileSync(documented, 'utf8'));
  writeFileSync(join(folder, 'site.conf'), site);
  writeFileSync(join(folder, 'nginx.conf'), mainConfig(folder));
  const child = spawn(nginxProgram!, ['-e', 'stderr', '-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface(child.stderr).on('line', (line) => {
      lines.push(line);
      // It listens by the time it starts its workers.
      if (line.includes('start worker process ')) resolve();
    });
    void exited.then(() => reject(new Error(`nginx has ended: ${lines.join('\n')}`)));
  });
  const stop = async () => {
    if (child.exitCode === null) child.kill('SIGTERM');
    await exited;
  };
  return {
    port,
    certificate: readFileSync(join(folder, 'cert.pem'), 'utf8'),
    async end() {
      await stop();
      return readFileSync(join(folder, 'access.log'), 'utf8').split('\n').filter(Boolean);
    },
    async [Symbol.asyncDispose]() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function replaced(text: string, [find, replace]: Edit): string {
  const parts = text.split(find);
  if (parts.length !== 2) throw new Error(`docs/nginx.conf has "${find}" ${parts.length - 1} times`);
  return parts.join(replace);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function makeCertificate(folder: string): void {
  const args = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost';
  const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
  const { status, stderr } = spawnSync('openssl', ['req', ...args.split(' '), ...names, ...files]);
  if (status !== 0) throw new Error(`openssl made no certificate: ${String(stderr)}`);
}

const mainConfig = (folder: string): string => `
daemon off;
master_process on;
user root;
worker_processes 1;
pid ${join(folder, 'nginx.pid')};
error_log stderr notice;
events { worker_connections 256; }
http {
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(folder, name)};`)
    .join('\n  ')}
  include ${join(folder, 'site.conf')};
}
`;
