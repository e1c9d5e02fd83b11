import { runCommand } from './command.ts';

process.exitCode = await runCommand(process.argv.slice(2));
// What tells the process that started this one of each seed would keep it alive.
if (process.connected) process.disconnect();
