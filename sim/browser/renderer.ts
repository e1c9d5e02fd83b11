import type { Realm } from '../kernel/realm.ts';

/** A process of the browser: what lives in it dies with it. */
export class Renderer {
  readonly name: string;
  readonly #realms = new Set<Realm>();

  constructor(name: string) {
    this.name = name;
  }

  get isEmpty(): boolean {
    return this.#realms.size === 0;
  }

  add(realm: Realm): void {
    this.#realms.add(realm);
    realm.onDeath(() => this.#realms.delete(realm));
  }

  kill(): void {
    for (const realm of this.#realms) realm.die(`with ${this.name}`);
  }
}
