/** The WebSocket subprotocol (RFC 6455, section 1.9) that names this family of wire formats. */
export const subprotocol = 'onesocket.v1';

/** What a subprotocol begins with that carries a token: base64url without padding follows (RFC 4648, section 5). */
export const bearerPrefix = 'bearer.';

/** Wire versions that this build speaks, newest first. A change of the schema needs a new one. */
export const wireVersions: readonly number[] = [1];

/**
 * Optional features that this build offers in its hello.
 * - `batch`: a text frame may carry an array
 * - `chunks`: large payloads travel in chunks
 */
export const wireFeatures: readonly string[] = ['batch', 'chunks'];
