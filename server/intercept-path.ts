import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import { pathname } from './upgrade.ts';

/** Answers a request, or gives false if it is none of its own. */
type Answer = (request: IncomingMessage, response: ServerResponse) => boolean;

/** What answers the paths that are taken, by server. */
const answersOf = new WeakMap<HttpServer, Map<string, Answer>>();

/** Answers `GET` and `HEAD` of one path of an HTTP server, if `answer` does; the last to take a path has it. */
export function interceptPath(httpServer: HttpServer, path: string, answer: Answer): void {
  const answers = answersOf.get(httpServer) ?? intercept(httpServer);
  answers.set(path, answer);
}

/**
 * Stands in front of `emit`, for an app's request listener that also saw the request would answer it a
 * second time, and that throws. All other requests reach the app's listeners, whenever they were added.
 */
function intercept(httpServer: HttpServer): Map<string, Answer> {
  const answers = new Map<string, Answer>();
  answersOf.set(httpServer, answers);
  const emit = httpServer.emit;
  httpServer.emit = function intercepted(
    this: HttpServer,
    event: string | symbol,
    ...args: unknown[]
  ): boolean {
    if (event !== 'request') return Reflect.apply(emit, this, [event, ...args]) as boolean;
    const [request, response] = args as [IncomingMessage, ServerResponse];
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const answer = isRead ? answers.get(pathname(request)) : undefined;
    if (answer?.(request, response)) return true;
    if (this.listenerCount('request') > 0) return Reflect.apply(emit, this, [event, ...args]) as boolean;
    response.writeHead(404).end();
    return true;
  } as typeof httpServer.emit;
  return answers;
}
