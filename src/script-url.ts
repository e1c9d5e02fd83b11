/** As in Trusted Types, which not every browser has, nor every version of the DOM types. */
interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): {
    createScriptURL(url: string): string;
  };
}

const asIs = { createScriptURL: (url: string): string => url };
let policy: typeof asIs | undefined;

/**
 * The URL as a worker's constructor takes it under `require-trusted-types-for 'script'`, if the page's content security
 * policy allows the policy `onesocket`; options have checked it. The policy is made once: a name can be taken.
 */
export function scriptUrl(url: string): string {
  try {
    policy ??=
      (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy('onesocket', asIs) ?? asIs;
  } catch {
    // Refused: where the page insists on Trusted Types, the constructor says so.
    policy = asIs;
  }
  return policy.createScriptURL(url);
}
