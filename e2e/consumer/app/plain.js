// Serves the app and the installed package as they are, with an import map in the place of a bundler. Given a folder, as
// a bundler has written it, serves that.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

const [folder] = process.argv.slice(2);
const base = new URL(folder === undefined ? './' : `./${folder}/`, import.meta.url);
const importMap =
  folder === undefined
    ? '<script type="importmap">{"imports":{"onesocket":"/node_modules/onesocket/dist/index.js"}}</script>'
    : '';

const http = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  try {
    const file = pathname === '/' ? 'index.html' : pathname.slice(1);
    const text = await readFile(new URL(file, base), 'utf8');
    const isScript = file.endsWith('.js');
    response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' });
    response.end(isScript ? text : text.replace('<head>', `<head>${importMap}`));
  } catch {
    response.writeHead(404).end();
  }
});
http.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${http.address().port}/`));
