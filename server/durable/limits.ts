// Bounds of the durable backbone.

/** The version of what is written; a directory with a newer one is left alone. */
export const formatVersion = 1;

/** Leases that one process may give: those of the next process begin above them. */
export const leasesPerStart = 2 ** 32;

/** Calls that one transaction carries out. */
export const transactionCalls = 4096;

/** Bytes of payloads in one transaction. */
export const transactionBytes = 8 * 1024 * 1024;

/** Bytes of payloads that wait for a transaction; a publish above it is rejected. */
export const waitingBytes = 64 * 1024 * 1024;

/** Milliseconds that the process that has the directory may take to answer. */
export const ownerAnswerMs = 1000;

/** Bytes of a socket's path that every system takes (sun_path: 104 on macOS, the end included). */
export const socketPathBytes = 100;
