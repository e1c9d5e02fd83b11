/** Takes signals of a topic for one connection. */
export interface SignalReceiver {
  /** The envelope without its id and time, as JSON text of the payload. */
  signal(topic: string, payload: string, re: string | undefined): void;
}

/** Who hears the signals of which topic. A node has one; a backbone of several nodes would pass them on here. */
export class SignalRoom {
  readonly #byTopic = new Map<string, Set<SignalReceiver>>();

  /** Joins with a live subscription, so that the bounds of those bound this. */
  join(topic: string, receiver: SignalReceiver): void {
    const receivers = this.#byTopic.get(topic);
    if (receivers) receivers.add(receiver);
    else this.#byTopic.set(topic, new Set([receiver]));
  }

  leave(topic: string, receiver: SignalReceiver): void {
    const receivers = this.#byTopic.get(topic);
    receivers?.delete(receiver);
    if (receivers?.size === 0) this.#byTopic.delete(topic);
  }

  /** Hands a signal to everybody in the topic; only its sender gets the id that it had. */
  send(topic: string, payload: string, sender: SignalReceiver, id: string): void {
    for (const receiver of this.#byTopic.get(topic) ?? []) {
      receiver.signal(topic, payload, receiver === sender ? id : undefined);
    }
  }
}
