/** The element with this id. Throws if the page has none, or one of another kind. */
export const byId = <E extends Element>(id: string, kind: new () => E): E => {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`index.html has no ${kind.name} #${id}`);
};

/** Makes an HTML element with a class and children. */
export const make = <K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] => {
  const element = document.createElement(tag);
  if (className !== '') element.className = className;
  element.append(...children);
  return element;
};

/** Makes an SVG element with attributes. */
export const makeSvg = <K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | number>>,
): SVGElementTagNameMap[K] => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
};

/** Sets an element's text if it differs, so that an unchanged page costs no layout and announces nothing. */
export const setText = (element: Element, text: string): void => {
  if (element.textContent !== text) element.textContent = text;
};

/** Makes `elements` the children of `list`, and moves only those that are not in place. */
export const arrange = (list: HTMLElement, elements: readonly HTMLElement[]): void => {
  const wanted = new Set<Element>(elements);
  for (const child of Array.from(list.children)) if (!wanted.has(child)) child.remove();
  elements.forEach((element, index) => {
    const present = list.children[index];
    if (present !== element) list.insertBefore(element, present ?? null);
  });
};
