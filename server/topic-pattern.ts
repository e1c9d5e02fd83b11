import * as protocolLimits from '../src/protocol/limits.ts';
import { invalid } from './invalid.ts';

/**
 * Which topics are meant. A topic's segments are what stands between its colons; a pattern's segment is one of
 *
 * | segment | matches |
 * | --- | --- |
 * | text | that very text |
 * | `text*`, `*` | one segment that begins with the text; any one segment |
 * | `{identity}` | one segment that is the identity asked about. An identity with a colon in it matches nothing. |
 * | `**` | one segment or more; only at the end |
 *
 * @example 'chat:*', 'user:{identity}:**', 'orders.*'
 */
export interface TopicPattern {
  /** Whether a topic matches; takes time in proportion to the topic's length, whatever the pattern. */
  matches(topic: string, identity: string): boolean;
}

type Segment =
  | { readonly kind: 'text' | 'prefix'; readonly text: string }
  | { readonly kind: 'identity' | 'rest' };

/** Compiles a pattern; throws `invalid-option` where it is none. */
export function topicPattern(pattern: string): TopicPattern {
  if (typeof pattern !== 'string' || pattern === '' || pattern.length > protocolLimits.topicLength) {
    throw invalid(`a topic pattern has 1 to ${protocolLimits.topicLength} characters`);
  }
  const texts = pattern.split(':');
  const segments = texts.map((text, index) => segmentOf(pattern, text, index === texts.length - 1));
  return { matches: (topic, identity) => matches(segments, topic, identity) };
}

/** A pattern that matches this topic alone, whatever characters it has. */
export const onlyTopic = (topic: string): TopicPattern => ({ matches: (other) => other === topic });

function segmentOf(pattern: string, text: string, isLast: boolean): Segment {
  if (text === '**' && isLast) return { kind: 'rest' };
  if (text === '{identity}') return { kind: 'identity' };
  const prefix = text.endsWith('*') ? text.slice(0, -1) : text;
  if (/[*{}]/.test(prefix)) {
    throw invalid(`topic pattern ${pattern}: ${text} is no text, text*, {identity}, or ** at the end`);
  }
  return { kind: prefix === text ? 'text' : 'prefix', text: prefix };
}

function matches(segments: readonly Segment[], topic: string, identity: string): boolean {
  let begin = 0;
  for (const [index, segment] of segments.entries()) {
    // One past the end is the place of an empty last segment; further on there is none.
    if (begin > topic.length) return false;
    if (segment.kind === 'rest') return true;
    const colon = topic.indexOf(':', begin);
    const end = colon === -1 ? topic.length : colon;
    if (!segmentMatches(segment, topic.slice(begin, end), identity)) return false;
    begin = end + 1;
    if (index === segments.length - 1) return end === topic.length;
  }
  return false;
}

function segmentMatches(segment: Segment, part: string, identity: string): boolean {
  switch (segment.kind) {
    case 'text':
      return part === segment.text;
    case 'prefix':
      return part.startsWith(segment.text);
    case 'identity':
      return part === identity;
    case 'rest':
      return true;
    default:
      return segment satisfies never;
  }
}
