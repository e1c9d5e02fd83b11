import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How a page gets the library: by a script tag, by an import, or by a script tag from the other origin. */
export type Load = 'classic' | 'module' | 'cdn';

/** Serves pages and what we ship under one origin, and what we ship under another as a CDN does. */
export interface PolicySite extends AsyncDisposable {
  readonly origin: string;
  /** The other origin: nothing but what we ship, with CORS. */
  readonly cdn: string;
  /** The content security policy of every answer of `origin`, so that workers have it, too. None while empty. */
  policy: string;
  /** What browsers have reported: the directive, and what was blocked. Workers report, too. */
  readonly reports: readonly string[];
}

interface Report {
  readonly 'csp-report': { readonly 'effective-directive': string; readonly 'blocked-uri': string };
}

const textsIn = (folder: string): Map<string, string> => {
  const url = new URL(folder, import.meta.url);
  const names = readdirSync(url).filter((name) => /\.(js|html)$/.test(name));
  return new Map(names.map((name) => [name, readFileSync(new URL(name, url), 'utf8')]));
};

const scriptTags = (load: string | null, cdn: string): string => {
  const tag = (src: string, attributes = ''): string =>
    `<script nonce="onesocket" src="${src}"${attributes}></script>`;
  if (load === 'module') return tag('/app.js') + tag('/module.js', ' type="module"');
  const library = load === 'cdn' ? `${cdn}/onesocket/onesocket.global.js` : '/onesocket/onesocket.global.js';
  return tag('/app.js') + tag(library) + tag('/classic.js');
};

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let body = '';
  for await (const text of request) body += String(text);
  return body;
};

/** Starts both origins on a free port: the one is its address, the other its name. */
export const startPolicySite = async (): Promise<PolicySite> => {
  const pages = textsIn('pages/');
  const dist = textsIn('../../dist/');
  const reports: string[] = [];
  const site = { policy: '' };
  const server = createServer(async (request, response) => {
    const { pathname, searchParams, origin } = new URL(`http://${request.headers.host}${request.url}`);
    const isCdn = origin === cdn;
    if (!isCdn && site.policy !== '') {
      response.setHeader('content-security-policy', `${site.policy}; report-uri /reports`);
    }
    if (isCdn) response.setHeader('access-control-allow-origin', '*');
    if (pathname === '/reports') {
      const { 'csp-report': report } = JSON.parse(await bodyOf(request)) as Report;
      const { 'effective-directive': directive, 'blocked-uri': blocked } = report;
      // The icon is the browser's own idea.
      if (!blocked.endsWith('/favicon.ico')) reports.push(`${directive} ${blocked}`);
      return response.writeHead(204).end();
    }
    if (pathname === '/favicon.ico') return response.writeHead(204).end();
    const script = pathname.startsWith('/onesocket/')
      ? dist.get(pathname.slice(11))
      : isCdn
        ? undefined
        : pathname === '/onesocket-worker.js'
          ? `import '${cdn}/onesocket/worker.js';`
          : pages.get(pathname.slice(1));
    if (script === undefined) return response.writeHead(404).end();
    const isPage = pathname.endsWith('.html');
    response.setHeader('content-type', isPage ? 'text/html' : 'text/javascript');
    return response.end(
      isPage ? script.replace('</body>', `${scriptTags(searchParams.get('load'), cdn)}</body>`) : script,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const cdn = `http://localhost:${port}`;
  return Object.assign(site, {
    origin: `http://127.0.0.1:${port}`,
    cdn,
    reports,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
};
