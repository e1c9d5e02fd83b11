import { byId, make } from './dom.ts';
import { identityOf, tint } from './identity.ts';

/** The picture's list of tabs. */
export interface TabList {
  /** Elements by tab id; those beyond the list's room are not in it. */
  readonly elements: ReadonlyMap<string, HTMLElement>;
  /** Shows the attached tabs. True if that changed the list. */
  show(tabIds: readonly string[]): boolean;
}

const shownMax = 6;

/** Shows this tab first, then the others, then how many more there are. */
export const createTabList = (ownTabId: string): TabList => {
  const list = byId('tabs', HTMLUListElement);
  const elements = new Map<string, HTMLElement>();
  let shown = '';
  return {
    elements,
    show(tabIds) {
      const all = [ownTabId, ...tabIds.filter((tabId) => tabId !== ownTabId)];
      const key = all.join();
      if (key === shown) return false;
      shown = key;
      elements.clear();
      for (const tabId of all.slice(0, shownMax)) elements.set(tabId, tabElement(tabId, tabId === ownTabId));
      list.replaceChildren(...elements.values());
      const rest = all.length - elements.size;
      if (rest > 0) list.append(make('li', 'tab more', `and ${rest} more`));
      return true;
    },
  };
};

const tabElement = (tabId: string, isOwn: boolean): HTMLElement => {
  const element = make('li', isOwn ? 'tab mine' : 'tab', identityOf(tabId).name);
  if (isOwn) element.append(make('small', '', 'this tab'));
  tint(element, tabId);
  return element;
};
