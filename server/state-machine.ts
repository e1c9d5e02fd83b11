/** Which state may follow which, by the names of the states. */
export type Transitions<K extends string> = { readonly [From in K]: readonly K[] };

/** Throws where `to` may not follow `from`: a bug here, never the peer's doing. */
export function checkTransition<K extends string>(transitions: Transitions<K>, from: K, to: K): void {
  if (!transitions[from].includes(to)) throw new Error(`no transition from ${from} to ${to}`);
}
