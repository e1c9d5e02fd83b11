const numbers = new Intl.NumberFormat('en');

/** 12,345 */
export const count = (value: number): string => numbers.format(value);

/** "1 message", "3 messages" */
export const plural = (value: number, noun: string): string => `${count(value)} ${noun}${value === 1 ? '' : 's'}`;

/** 42 s, 3 min 20 s, 2 h 5 min */
export const duration = (ms: number): string => {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

/** 0.4 ms, 12 ms, 3.2 s */
export const latency = (ms: number): string => {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
};
