/** A box in the picture, in its pixels. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** The box of an element, relative to another. */
export const boxIn = (outer: Element, element: Element): Box => {
  const origin = outer.getBoundingClientRect();
  const { left, top, right, bottom } = element.getBoundingClientRect();
  return {
    left: left - origin.left,
    top: top - origin.top,
    right: right - origin.left,
    bottom: bottom - origin.top,
  };
};

/** SVG path from one box to another: to the right where they stand side by side, downward where they are stacked. */
export const pathBetween = (from: Box, to: Box): string => {
  if (to.left > from.right) {
    const [x1, y1, x2, y2] = [from.right, middle(from.top, from.bottom), to.left, middle(to.top, to.bottom)];
    const bend = (x1 + x2) / 2;
    return `M${x1} ${y1}C${bend} ${y1} ${bend} ${y2} ${x2} ${y2}`;
  }
  const [x1, y1, x2, y2] = [middle(from.left, from.right), from.bottom, middle(to.left, to.right), to.top];
  const bend = (y1 + y2) / 2;
  return `M${x1} ${y1}C${x1} ${bend} ${x2} ${bend} ${x2} ${y2}`;
};

const middle = (a: number, b: number): number => (a + b) / 2;
