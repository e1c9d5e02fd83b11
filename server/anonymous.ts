/** Everybody's identity on a server that does not authenticate. Nobody can be counted or kept out by it. */
export const anonymousName = 'anonymous';
