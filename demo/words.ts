const numbers = new Intl.NumberFormat('en');

/** 12,345 */
export const count = (value: number): string => numbers.format(value);

/** "1 message", "3 messages" */
export const plural = (value: number, noun: string): string =>
  `${count(value)} ${noun}${value === 1 ? '' : 's'}`;

/** 0:42, 3:20, 2:05:00 */
export const duration = (ms: number): string => {
  const seconds = Math.floor(ms / 1_000);
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const twoDigits = (value: number): string => String(value).padStart(2, '0');
  return h === 0 ? `${m}:${twoDigits(s)}` : `${h}:${twoDigits(m)}:${twoDigits(s)}`;
};

/** 0.4 ms, 12 ms, 3.2 s */
export const latency = (ms: number): string => {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
};
