import { byId, makeSvg } from './dom.ts';
import { boxIn, pathBetween } from './geometry.ts';
import { tint } from './identity.ts';

/** The lines of the picture. */
export interface Wires {
  /** Wire from each tab to the hub, by tab id. */
  readonly tabs: ReadonlyMap<string, SVGPathElement>;
  /** The one connection, from hub to server. */
  readonly line: SVGPathElement;
  /** Draws the lines anew: `tabs` are the tabs' elements by id. */
  layOut(tabs: ReadonlyMap<string, Element>, ownTabId: string): void;
  /** Shows the connection as whole or broken, and whether the network is cut. */
  show(isWhole: boolean, isCut: boolean): void;
}

/** How far along the connection the cut is drawn: past its label. */
const cutAt = 0.86;

/** Draws into the SVG that lies under the picture. */
export const createWires = (): Wires => {
  const picture = byId('picture', HTMLElement);
  const svg = byId('wires', SVGSVGElement);
  const hub = byId('hub', HTMLElement);
  const server = byId('server', HTMLElement);
  const line = makeSvg('path', { class: 'line' });
  const cut = makeSvg('g', { visibility: 'hidden' });
  cut.append(
    makeSvg('rect', { class: 'gap', x: -7, y: -7, width: 14, height: 14 }),
    makeSvg('path', { class: 'slash', d: 'M-8 8 L-2 -8 M2 8 L8 -8' }),
  );
  const tabWires = new Map<string, SVGPathElement>();
  svg.append(line, cut);

  return {
    tabs: tabWires,
    line,
    layOut(tabs, ownTabId) {
      for (const wire of tabWires.values()) wire.remove();
      tabWires.clear();
      const hubBox = boxIn(picture, hub);
      for (const [tabId, element] of tabs) {
        const wire = makeSvg('path', { d: pathBetween(boxIn(picture, element), hubBox) });
        if (tabId === ownTabId) wire.classList.add('mine');
        tint(wire, tabId);
        tabWires.set(tabId, wire);
        svg.prepend(wire);
      }
      line.setAttribute('d', pathBetween(hubBox, boxIn(picture, server)));
      const { x, y } = line.getPointAtLength(line.getTotalLength() * cutAt);
      cut.setAttribute('transform', `translate(${x} ${y})`);
    },
    show(isWhole, isCut) {
      svg.dataset['line'] = isWhole ? 'whole' : 'broken';
      cut.setAttribute('visibility', isCut ? 'visible' : 'hidden');
    },
  };
};
