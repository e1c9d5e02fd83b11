const names =
  `Alder Almond Anise Apple Ash Aspen Basil Bay Beech Birch Bramble Briar Caraway Cedar Cherry Chicory
Clove Clover Cress Cumin Cypress Dill Elder Elm Fennel Fern Fig Filbert Flax Gale Ginger Gorse Hawthorn Hazel Heather
Holly Hop Iris Ivy Juniper Larch Laurel Lilac Lime Linden Lotus Mallow Maple Medlar Mint Moss Myrtle Nettle Oak Olive
Pear Pine Plum Poplar Quince Rowan Rue Sage Sorrel Tansy Thyme Violet Walnut Willow Yarrow Yew`.split(/\s+/);

/** How a tab is shown to people. */
export interface Identity {
  readonly name: string;
  /** Hue in degrees, for oklch(). */
  readonly hue: number;
}

/** A name and a colour for a tab, the same on every page: they follow from its id. */
export const identityOf = (tabId: string): Identity => {
  // FNV-1a: short, and spreads ids that differ in one character.
  let hash = 0x811c9dc5;
  for (const character of tabId) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  hash >>>= 0;
  return { name: names[hash % names.length] ?? 'Tab', hue: ((hash >>> 16) % 24) * 15 };
};

/** Gives an element the colour of a tab. */
export const tint = (element: HTMLElement | SVGElement, tabId: string): void => {
  element.classList.add('tinted');
  element.style.setProperty('--hue', String(identityOf(tabId).hue));
};
