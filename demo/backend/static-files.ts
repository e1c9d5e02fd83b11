import { createReadStream, readdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, relative, sep } from 'node:path';

/** The built page. */
export interface StaticFiles {
  /** Answers with the file at `path`, or 404. */
  serve(path: string, request: IncomingMessage, response: ServerResponse): void;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.map': 'application/json',
};

/** Serves the files that lie under `folder` now; a path is looked up, never joined, so none leads outside. */
export const createStaticFiles = (folder: string): StaticFiles => {
  const files = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    files.set(`/${relative(folder, file).split(sep).join('/')}`, file);
  }
  return {
    serve(path, request, response) {
      const file = files.get(path === '/' ? '/index.html' : path);
      if (file === undefined) return void response.writeHead(404).end();
      response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream');
      // Names under /assets/ carry a hash of their content.
      response.setHeader(
        'cache-control',
        path.startsWith('/assets/') ? 'max-age=31536000, immutable' : 'no-cache',
      );
      response.setHeader('content-security-policy', "default-src 'self'; img-src 'self' data:");
      response.setHeader('x-content-type-options', 'nosniff');
      if (request.method === 'HEAD') return void response.end();
      createReadStream(file)
        .on('error', () => response.destroy())
        .pipe(response);
    },
  };
};
