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
