import { byId, makeSvg } from './dom.ts';
import { tint } from './identity.ts';

/** A dot that travels along a wire. */
interface Pulse {
  readonly wire: SVGPathElement;
  /** Against the wire's direction: from the server down to the tabs. */
  readonly down: boolean;
  /** Colour of the tab that sent it; null for the ticker's grey. */
  readonly tabId: string | null;
  readonly onArrive?: () => void;
}

/** The dots under way. */
export interface Pulses {
  send(pulse: Pulse): void;
  render(now: number): void;
}

interface Flight extends Pulse {
  readonly dot: SVGCircleElement;
  readonly length: number;
  startedAt: number | null;
}

const flightMs = 550;
const flightsMax = 32;

/** Sends dots along wires, unless the visitor prefers reduced motion or the tab is hidden. */
export const createPulses = (): Pulses => {
  const svg = byId('wires', SVGSVGElement);
  const reduced = matchMedia('(prefers-reduced-motion: reduce)');
  const flights = new Set<Flight>();

  const place = (flight: Flight, now: number): boolean => {
    flight.startedAt ??= now;
    const done = Math.min(1, (now - flight.startedAt) / flightMs);
    const at = flight.down ? 1 - done : done;
    const { x, y } = flight.wire.getPointAtLength(flight.length * at);
    flight.dot.setAttribute('cx', String(x));
    flight.dot.setAttribute('cy', String(y));
    return done === 1 || !flight.wire.isConnected;
  };

  return {
    send(pulse) {
      if (reduced.matches || document.hidden || flights.size >= flightsMax || !pulse.wire.isConnected) return;
      const dot = makeSvg('circle', {
        class: pulse.tabId === null ? 'pulse' : 'pulse chat',
        r: pulse.tabId === null ? 3 : 5,
        cx: -99,
        cy: -99,
      });
      if (pulse.tabId !== null) tint(dot, pulse.tabId);
      svg.append(dot);
      flights.add({ ...pulse, dot, length: pulse.wire.getTotalLength(), startedAt: null });
    },
    render(now) {
      for (const flight of flights) {
        if (!place(flight, now)) continue;
        flight.dot.remove();
        flights.delete(flight);
        flight.onArrive?.();
      }
    },
  };
};
