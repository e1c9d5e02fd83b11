import { decodeServerFrame, encodeBinary, encodeEnvelope, packFrames } from '../src/protocol/codec.ts';
import type { HubEffect, HubInput } from './core/hub-types.ts';
import type { DialAddress } from './token-carrier.ts';
import type { TransferMeter } from './transfer-meter.ts';
import type { Dial, Transport, TransportEvents } from './transport.ts';

type EffectOf<K extends HubEffect['kind']> = Extract<HubEffect, { kind: K }>;

/** The socket that the hub has dialled last: its events become inputs, and effects are written to it. */
export class HubSocket {
  readonly #open: Dial;
  readonly #run: (input: HubInput) => void;
  readonly #meter: TransferMeter;
  #transport: { readonly dial: number; readonly socket: Transport } | null = null;

  constructor(open: Dial, run: (input: HubInput) => void, meter: TransferMeter) {
    this.#open = open;
    this.#meter = meter;
    this.#run = run;
  }

  /** Opens a socket. */
  dial(dial: number, { url, protocols }: DialAddress): void {
    const events: TransportEvents = {
      opened: () => this.#run({ kind: 'opened', dial }),
      frame: (data) => {
        this.#meter.frameReceived(data);
        const decoded = decodeServerFrame(data);
        if ('violation' in decoded) this.#run({ kind: 'bad-frame', dial, violation: decoded.violation });
        else this.#run({ kind: 'frame', dial, envelopes: decoded.envelopes });
      },
      congestion: (isCongested) => this.#run({ kind: 'congestion', dial, isCongested }),
      closed: (code, reason) => this.#run({ kind: 'lost', dial, code, reason }),
    };
    this.#transport = { dial, socket: this.#open(url, events, protocols) };
  }

  /** Closes the socket of this dial, or whichever there is. */
  close(code: number, reason: string, dial = this.#transport?.dial): void {
    if (this.#transport?.dial === dial) this.#transport?.socket.close(code, reason);
  }

  /** Text envelopes that stand together travel together; a binary one keeps its place in the order. */
  send({ dial, envelopes, bounds }: EffectOf<'send'>): void {
    if (this.#transport?.dial !== dial) return;
    const { socket } = this.#transport;
    const write = (frame: string | Uint8Array<ArrayBuffer>) => {
      this.#meter.frameSent(frame);
      socket.send(frame);
    };
    let texts: string[] = [];
    const sendTexts = () => {
      for (const frame of packFrames(texts, bounds)) write(frame);
      texts = [];
    };
    for (const outgoing of envelopes) {
      if (outgoing.bytes) {
        sendTexts();
        write(encodeBinary(outgoing.head, outgoing.bytes));
      } else {
        texts.push(encodeEnvelope(outgoing));
      }
    }
    sendTexts();
  }
}
