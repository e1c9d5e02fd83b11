import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'onesocket/server';

const server = createServer({});
const http = createHttpServer((request, response) => {
  if (request.url !== '/stats') return response.writeHead(404).end();
  response.writeHead(200, { 'content-type': 'application/json' });
  return response.end(JSON.stringify({ connections: server.stats().connections }));
});
server.attach(http, { path: '/realtime' });
http.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${http.address().port}/`));
