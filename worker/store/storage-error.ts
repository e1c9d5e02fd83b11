const reasons: Readonly<Record<string, string>> = {
  QuotaExceededError: 'the disk is full, or what this site may use of it',
  VersionError: 'the database was made by a newer version',
  ReferenceError: 'this browser offers no IndexedDB here',
};

const finalErrors = ['VersionError', 'ReferenceError', 'SecurityError'];

/** The name of whatever was thrown. */
export const errorName = (error: unknown): string => (error as Error | null)?.name ?? '';

/** Why the storage failed, for a person to read, and whether there is no use in trying again. */
export function reasonOf(error: unknown): { readonly message: string; readonly isFinal: boolean } {
  const name = errorName(error);
  return {
    message: reasons[name] ?? `${name}: ${(error as Error | null)?.message}`,
    isFinal: finalErrors.includes(name),
  };
}
