import type { ChatText } from './contract.ts';

/** Characters in a chat message, at most. */
const chatTextLength = 500;

/** Whether a payload is a chat message: asked by the server of what clients publish, and by the page of what waits. */
export const isChatText = (payload: unknown): payload is ChatText => {
  if (typeof payload !== 'object' || payload === null) return false;
  if (!('tabId' in payload && 'text' in payload)) return false;
  const { tabId, text } = payload;
  if (typeof tabId !== 'string' || tabId.length > 64) return false;
  return typeof text === 'string' && text.length > 0 && text.length <= chatTextLength;
};
