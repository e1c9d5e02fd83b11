// Bounds of what is measured.
// Single constants, imported as a namespace, as all limits are.

/** Upper bounds of times, in seconds: from a loopback's to what the longest deadline of a connection allows. */
export const secondsBounds: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

/** Upper bounds of the receivers of one message. */
export const fanOutBounds: readonly number[] = [
  1, 2, 5, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000,
];
