import { byId } from './dom.ts';

/** Height of the chart in messages per bin; more than this is drawn as a full bar. */
const perBinMax = 900;

/** Gives a function that draws messages per bin, oldest first, in the page's own colours. */
export const createSparkline = (): ((bins: readonly number[]) => void) => {
  const canvas = byId('sparkline', HTMLCanvasElement);
  const context = canvas.getContext('2d');
  if (context === null) return () => {};

  return (bins) => {
    const { clientWidth: width, clientHeight: height } = canvas;
    const scale = devicePixelRatio;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    context.scale(scale, scale);
    context.fillStyle = getComputedStyle(canvas).color;
    // The last bin has only begun: it waits to the right of the chart.
    const step = width / (bins.length - 1);
    bins.forEach((bin, index) => {
      if (bin === 0) return;
      const isCatchUp = bin > perBinMax;
      const barHeight = Math.max(1, Math.min(1, bin / perBinMax) * height);
      context.globalAlpha = isCatchUp ? 1 : 0.38;
      context.fillRect(index * step, height - barHeight, Math.max(1, step - 1.5), barHeight);
    });
  };
};
