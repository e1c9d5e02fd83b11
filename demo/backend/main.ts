import { createFront } from './front.ts';
import { listenFrom } from './listen.ts';
import { ensurePage, pageFolder } from './page-build.ts';
import { createStaticFiles } from './static-files.ts';
import { startSupervisor } from './supervisor.ts';

// What `npm start` runs: builds the page if needed, starts the server as a process of its own, and serves both on one port.

const wanted = Number(process.env['PORT'] ?? 4173);

await ensurePage();
const supervisor = await startSupervisor();
const front = createFront(createStaticFiles(pageFolder), supervisor);
const port = await listenFrom(front, wanted);

if (port !== wanted) console.log(`Port ${wanted} is taken, so the demo is on ${port}.`);
console.log(`\n  onesocket demo   http://localhost:${port}/\n`);

let isEnding = false;
const end = async (): Promise<void> => {
  // The terminal and `npm start` may both send the signal.
  if (isEnding) return;
  isEnding = true;
  front.close();
  await supervisor.close();
  process.exit(0);
};
process.on('SIGINT', () => void end());
process.on('SIGTERM', () => void end());
