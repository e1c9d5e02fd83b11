import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { credentialsTransitions } from './credentials.ts';
import { handshakeTransitions } from './handshake.ts';
import { sessionTransitions } from './session.ts';
import { checkTransition } from './state-machine.ts';

/** Reads the diagram in a file's header: lines of `from -> to | to`. */
function diagramOf(file: string): Record<string, string[]> {
  const source = readFileSync(new URL(file, import.meta.url), 'utf8');
  const lines = source.slice(0, source.indexOf('*/')).matchAll(/^ \* ([\w-]+) +->(.*)$/gm);
  return Object.fromEntries(
    [...lines].map(([, from, to]) => [
      from,
      to!
        .split('|')
        .map((name) => name.trim())
        .filter(Boolean),
    ]),
  );
}

describe('the diagram in the header', () => {
  it.each([
    ['./session.ts', sessionTransitions],
    ['./handshake.ts', handshakeTransitions],
    ['./credentials.ts', credentialsTransitions],
  ])('of %s is what the code does', (file, transitions) => {
    expect(diagramOf(file)).toEqual(transitions);
  });
});

describe('a transition', () => {
  it('that the table does not have is refused', () => {
    expect(() => checkTransition(sessionTransitions, 'open', 'closing')).not.toThrow();
    expect(() => checkTransition(sessionTransitions, 'closed', 'open')).toThrow(
      'no transition from closed to open',
    );
  });
});
