const reasons: Readonly<Record<string, string>> = {
  QuotaExceededError: 'the disk is full, or what this site may use of it',
  VersionError: 'the database was made by a newer version',
  ReferenceError: 'this browser offers no IndexedDB here',
};

/** Nothing of this outbox is or will be stored. */
const missingErrors = ['ReferenceError', 'SecurityError'];

/** The name of whatever was thrown. */
export const errorName = (error: unknown): string => (error as Error | null)?.name ?? '';

/**
 * Why the storage failed, for a person to read; whether there is no use in trying again while this hub lives, and whether
 * a later one may find something stored.
 */
export function reasonOf(error: unknown) {
  const name = errorName(error);
  const retryable = !missingErrors.includes(name);
  return {
    message: reasons[name] ?? `${name}: ${(error as Error | null)?.message}`,
    isFinal: !retryable || name === 'VersionError',
    retryable,
  };
}
