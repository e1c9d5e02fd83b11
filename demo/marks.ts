import type { Progress } from './chat-log.ts';
import { make, makeSvg } from './dom.ts';

const shapes: Record<Progress, string> = {
  sending: 'M6 1a5 5 0 1 0 .01 0M6 3.4V6l1.8 1.2',
  stored: 'M4 6.5l3 3 6-7',
  acked: 'M1 6.5l3 3 6-7M8.2 8.7l.8.8 6-7',
  failed: 'M3 2l7 8M10 2l-7 8',
};

/** What each mark says. */
const markWords: Record<Progress, string> = {
  sending: 'on its way',
  stored: 'in the outbox',
  acked: 'acknowledged by the server',
  failed: 'not delivered',
};

/** The delivery mark of a message of this tab, with its meaning for screen readers. */
export const markOf = (progress: Progress): SVGSVGElement => {
  const svg = makeSvg('svg', { class: `mark ${progress}`, viewBox: '0 0 18 12', role: 'img' });
  const title = makeSvg('title', {});
  title.textContent = markWords[progress];
  svg.append(title, makeSvg('path', { d: shapes[progress] }));
  return svg;
};

/** The marks with their meanings, for the foot of the chat. */
export const markLegend = (): HTMLElement[] =>
  (['sending', 'stored', 'acked'] as const).map((progress) => {
    const mark = markOf(progress);
    mark.setAttribute('aria-hidden', 'true');
    return make('span', '', mark, markWords[progress]);
  });
