import type { Gap } from 'onesocket';
import { plural } from './words.ts';

const reasons: Record<Gap['reason'], string> = {
  history: 'away for longer than the server remembers',
  epoch: 'the server restarted and its memory is gone',
  'slow-tab': 'this tab was too slow',
};

/** "3 messages missed: the server restarted and its memory is gone" */
export const gapWords = ({ missed, reason }: Pick<Gap, 'missed' | 'reason'>): string => {
  const why = reasons[reason];
  if (missed === null) return `Messages may be missing: ${why}`;
  if (missed === 0) return `Nothing missed, though ${why}`;
  return `${plural(missed, 'message')} missed: ${why}`;
};
