const file = 'worker/core/limits.ts';

/**
 * Bounds of the hub that no simulation would ever reach, made so small that it does: as edits of the code, which every
 * bundle of the simulation gets.
 */
export const smallLimits = [
  { file, find: 'tailMessages = 16_384', replace: 'tailMessages = 48' },
  { file, find: 'requests = 1024', replace: 'requests = 3' },
  { file, find: 'batchMessages = 1024', replace: 'batchMessages = 16' },
  { file, find: 'entriesPerTurn = 1024', replace: 'entriesPerTurn = 8' },
  { file, find: 'followers = 1024', replace: 'followers = 4' },
];
