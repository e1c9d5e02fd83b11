import { expect, test } from 'vitest';
import { createChatLog, type ChatLog } from './chat-log.ts';

const chat = (text: string) => ({ tabId: 'tab', text });
const texts = (log: ChatLog): string[] => log.rows.map((row) => (row.kind === 'message' ? row.text : 'gap'));
const progressOf = (log: ChatLog, id: string): string | null => {
  const row = log.rows.find((known) => known.id === id);
  return row?.kind === 'message' ? row.progress : null;
};

test('keeps what is under way below what the server has placed', () => {
  const log = createChatLog();
  log.sent('mine', chat('mine'));
  log.received({ id: 'other', payload: chat('other') });
  expect(texts(log)).toEqual(['other', 'mine']);
});

test('places its own message once, where the server put it', () => {
  const log = createChatLog();
  log.sent('first', chat('first'));
  log.sent('second', chat('second'));
  log.received({ id: 'second', payload: chat('second') });
  expect(texts(log)).toEqual(['second', 'first']);
});

test('keeps the acknowledgement when the message itself arrives later', () => {
  const log = createChatLog();
  log.sent('a', chat('a'));
  log.progressed('a', 'stored');
  log.progressed('a', 'acked');
  log.received({ id: 'a', payload: chat('a') });
  expect(progressOf(log, 'a')).toBe('acked');
});

test('takes no step back from acknowledged to stored', () => {
  const log = createChatLog();
  log.sent('a', chat('a'));
  log.progressed('a', 'acked');
  log.progressed('a', 'stored');
  expect(progressOf(log, 'a')).toBe('acked');
});

test('shows a gap where it happened', () => {
  const log = createChatLog();
  log.received({ id: 'a', payload: chat('before') });
  log.sent('b', chat('pending'));
  log.missed({ missed: 3, reason: 'history' });
  log.received({ id: 'c', payload: chat('after') });
  expect(texts(log)).toEqual(['before', 'gap', 'after', 'pending']);
});

test('keeps a failed message where it failed', () => {
  const log = createChatLog();
  log.sent('a', chat('refused'));
  log.progressed('a', 'failed', 'rejected: no');
  log.received({ id: 'b', payload: chat('next') });
  expect(texts(log)).toEqual(['refused', 'next']);
});

test('keeps 200 rows', () => {
  const log = createChatLog();
  for (let i = 0; i < 250; i += 1) log.received({ id: String(i), payload: chat(String(i)) });
  expect(texts(log)).toHaveLength(200);
  expect(texts(log).at(-1)).toBe('249');
});
