// Bounds and defaults of the check of JSON Web Tokens.

/** Milliseconds by which the clocks of issuer and server may differ. */
export const clockToleranceMs = 5_000;
/** Milliseconds that the keys may take to come. Below `hookTimeoutMs`, so that the reason is this one. */
export const fetchTimeoutMs = 5_000;
/** Milliseconds after which the keys are fetched again. */
export const keysMaxAgeMs = 10 * 60 * 1_000;
/** Milliseconds in which the keys are fetched no second time, whichever keys tokens name. */
export const keysCooldownMs = 30_000;
/** Bytes of a secret: what a signature by HS256 can be worth (RFC 7518, section 3.2). */
export const secretBytesMin = 32;
