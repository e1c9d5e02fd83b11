import type { Kernel } from './kernel.ts';

/**
 * Something that runs code and can stop: a page, a worker, a server process. All that reaches its code comes through
 * here, so that nothing runs in it while it is frozen, nor after its death; and whatever leaves it asks `emits`.
 */
export class Realm {
  /** Whose code runs now, with the promises that it settles: for what a platform offers as a global. */
  static current: Realm | null = null;
  readonly name: string;
  readonly kernel: Kernel;
  /** When it was last frozen. */
  frozenAt = -Infinity;
  /** When it last went on after it had been frozen. */
  thawedAt = -Infinity;
  /** When something that it had started ended last. */
  childDiedAt = -Infinity;
  #state: 'running' | 'frozen' | 'dead' = 'running';
  #outputsLeft = Infinity;
  #ids = 0;
  readonly #backlog: (() => void)[] = [];
  readonly #onDeath: (() => void)[] = [];
  readonly #children = new Set<Realm>();
  /** In the back/forward cache: what reaches it then would end it, which `evicted` hears of. */
  isCached = false;
  evicted: () => void = () => {};

  constructor(kernel: Kernel, name: string) {
    this.kernel = kernel;
    this.name = name;
    kernel.changedAt = kernel.now;
  }

  /** Starts something that lives no longer than this, and runs only while this does: a worker of a page. */
  spawn(name: string): Realm {
    const child = new Realm(this.kernel, name);
    this.#children.add(child);
    child.onDeath(() => {
      this.#children.delete(child);
      this.childDiedAt = this.kernel.now;
    });
    this.onDeath(() => child.die(`with ${this.name}`));
    return child;
  }

  /** What it has started and what still lives. */
  get children(): Iterable<Realm> {
    return this.#children;
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  get isFrozen(): boolean {
    return this.#state === 'frozen';
  }

  /** Runs `run` here after `delayMs`; once thawed, if the realm is frozen then. Returns a function that prevents it. */
  after(delayMs: number, run: () => void): () => void {
    let isPrevented = false;
    const prevent = this.kernel.schedule(delayMs, () => {
      this.enter(() => {
        if (!isPrevented) run();
      });
    });
    return () => {
      isPrevented = true;
      prevent();
    };
  }

  /** Brings a message at a moment, unless its end is closed by then. */
  receive(from: Realm, atMs: number, end: { readonly isClosed: boolean }, run: () => void): void {
    this.kernel.scheduleAt(atMs, () => {
      if (end.isClosed) return;
      // What a page has posted to itself waits in it.
      if (this.isCached && from !== this) this.evicted();
      this.enter(run);
    });
  }

  /** Runs `run` here now, later if frozen, never if dead. */
  enter(run: () => void): void {
    if (this.#state === 'running') {
      Realm.current = this;
      run();
    } else if (this.#state === 'frozen') this.#backlog.push(run);
  }

  /** Whether something that the code does reaches the outside. Counts down to a death in the middle of an event. */
  emits(): boolean {
    if (this.#state === 'dead') return false;
    if (this.#outputsLeft-- > 0) return true;
    this.die('in the middle of its work');
    return false;
  }

  freeze(): void {
    if (this.#state !== 'running') return;
    this.kernel.timeline.add(this.name, 'freezes');
    this.#state = 'frozen';
    this.kernel.changedAt = this.frozenAt = this.kernel.now;
    for (const child of this.#children) child.freeze();
  }

  thaw(): void {
    if (this.#state !== 'frozen') return;
    this.kernel.timeline.add(this.name, 'thaws');
    this.#state = 'running';
    this.kernel.changedAt = this.thawedAt = this.kernel.now;
    for (const child of this.#children) child.thaw();
    for (const run of this.#backlog.splice(0)) this.after(0, run);
  }

  /** Ends at once. */
  die(why: string): void {
    if (this.#state === 'dead') return;
    this.kernel.timeline.add(this.name, 'dies', why);
    this.#state = 'dead';
    this.kernel.changedAt = this.kernel.diedAt = this.kernel.now;
    this.#backlog.length = 0;
    for (const run of this.#onDeath.splice(0)) run();
  }

  /** Lets it die once it has done `outputs` more things that can be seen outside. */
  dieAfter(outputs: number): void {
    this.#outputsLeft = outputs;
  }

  /** Calls `run` when it dies. */
  onDeath(run: () => void): void {
    if (this.isDead) run();
    else this.#onDeath.push(run);
  }

  /** An id that nobody else has, and that says where it is from. */
  readonly newId = (): string => `${this.name}.${(this.#ids += 1)}`;
}
