/** One arrow of a transition diagram, as `state --input--> next`. */
export type Arrow = string;

const arrow = (state: string, input: string, next: string): Arrow => `${state} --${input}--> ${next}`;

/** The arrows of the ```transitions block in the text of a module, one per pair of input and next state. */
export function arrowsOf(moduleText: string): Arrow[] {
  const block = /```transitions\n([\s\S]*?)```/.exec(moduleText)?.[1];
  if (block === undefined) throw new Error('the module has no ```transitions block');
  return block.split('\n').flatMap((line) => {
    const text = line.replace(/^\s*\*/, '').trim();
    if (text === '') return [];
    const [, state, input, following] = /^(\S+)\s+--(\S+)-->\s+(.+)$/.exec(text) ?? [];
    if (!state || !input || !following) throw new Error(`not a transition: ${text}`);
    return following.split('|').map((next) => arrow(state, input, next.trim()));
  });
}

/** What a machine was seen to do: the arrows that changed something, and all of them. */
export class Observed {
  readonly changing = new Set<Arrow>();
  readonly all = new Set<Arrow>();

  add(state: string, input: string, next: string, changesSomething: boolean): void {
    this.all.add(arrow(state, input, next));
    if (changesSomething) this.changing.add(arrow(state, input, next));
  }

  /** Where diagram and machine differ; two empty lists where they agree. */
  compare(diagram: readonly Arrow[]): { readonly undrawn: Arrow[]; readonly unseen: Arrow[] } {
    return {
      undrawn: [...this.changing].filter((each) => !diagram.includes(each)),
      unseen: diagram.filter((each) => !this.all.has(each)),
    };
  }
}

/** A machine, and all states and inputs that it is to be seen with. */
export interface Machine<S extends { readonly state: string }, I> {
  readonly states: readonly S[];
  readonly inputs: readonly I[];
  readonly step: (state: S, input: I) => { readonly state: S; readonly effects: readonly unknown[] };
  readonly nameOf: (input: I) => string;
  readonly isEqual: (one: S, other: S) => boolean;
}

/** Gives it each input in each state. A step changes something if it has effects, or another state. */
export function observe<S extends { readonly state: string }, I>(machine: Machine<S, I>): Observed {
  const { states, inputs, step, nameOf, isEqual } = machine;
  const observed = new Observed();
  for (const state of states) {
    for (const input of inputs) {
      const next = step(state, input);
      const changes = next.effects.length > 0 || !isEqual(state, next.state);
      observed.add(state.state, nameOf(input), next.state.state, changes);
    }
  }
  return observed;
}
