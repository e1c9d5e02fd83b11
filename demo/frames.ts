/** Draws what changed since the last frame. `now` is in milliseconds, from the page's monotonic clock. */
export type Render = (now: number) => void;

/** Calls every view once per frame. A hidden tab has no frames, so it draws nothing. */
export const startFrames = (views: readonly Render[]): void => {
  const frame = (now: number): void => {
    for (const render of views) render(now);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
};

/** Lets a view draw at most once per `everyMs`, for numbers that somebody should be able to read. */
export const atMostEvery = (everyMs: number, render: Render): Render => {
  let lastAt = -Infinity;
  return (now) => {
    if (now - lastAt < everyMs) return;
    lastAt = now;
    render(now);
  };
};
