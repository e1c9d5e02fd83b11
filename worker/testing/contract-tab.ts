import { expose, wrap, type Endpoint } from 'comlink';
import {
  hubApiVersion,
  type AttachReply,
  type AttachRequest,
  type HubApi,
  type HubStatus,
  type TabApi,
  type TabItem,
  type TabOp,
} from '../core/hub-api.ts';
import { EventLog } from './event-log.ts';

/** Speaks the contract of tab and hub over Comlink, and keeps what the hub tells. */
export class ContractTab {
  readonly log = new EventLog<TabItem>();
  readonly troubles = new EventLog<string>();
  readonly batchNumbers: number[] = [];
  readonly tabId: string;
  hubId = '';
  readonly #hub;
  #tabSeq = 0;

  constructor(endpoint: Endpoint, tabId: string = crypto.randomUUID()) {
    this.tabId = tabId;
    this.#hub = wrap<HubApi>(endpoint);
    const api: TabApi = {
      deliver: (_hubId, number, items) => {
        this.batchNumbers.push(number);
        items.forEach(this.log.add);
        return [];
      },
      token: () => ({ token: 'none is asked for' }),
      trouble: (message) => this.troubles.add(message),
    };
    expose(api, endpoint);
  }

  async attach(url: string, more: Partial<AttachRequest> = {}): Promise<AttachReply> {
    const request = { version: hubApiVersion, tabId: this.tabId, lockName: null, hasAuth: false };
    const reply = await this.#hub.attach({ ...request, lingers: false, options: { url }, ...more });
    if (reply.kind === 'waiting') return this.attach(url, more);
    if (reply.kind !== 'attached') return reply;
    this.hubId = reply.status.hubId;
    return reply;
  }

  /** Says goodbye, if it is attached. */
  detach(): void {
    if (this.hubId) void this.#hub.detach(this.hubId, this.tabId);
  }

  push(...ops: TabOp[]) {
    return this.#hub.push(this.hubId, this.tabId, ops);
  }

  publish(topic: string, payload: unknown): TabOp {
    this.#tabSeq += 1;
    const { tabSeq, id } = { tabSeq: this.#tabSeq, id: `${this.tabId.slice(0, 8)}-${this.#tabSeq}` };
    return { kind: 'publish', tabSeq, id, topic, json: JSON.stringify(payload), ts: Date.now() };
  }

  all<K extends TabItem['kind']>(kind: K) {
    return this.log.events.filter((item) => item.kind === kind) as Extract<TabItem, { kind: K }>[];
  }

  /** The first item of a kind, once it has come. */
  one<K extends TabItem['kind']>(kind: K) {
    return this.log.until(() => this.all(kind)[0]);
  }

  /** The first status for which this holds. */
  status(isMeant: (status: HubStatus) => boolean) {
    return this.log.until(() => this.all('status').find(({ status }) => isMeant(status)));
  }

  /** Payloads of all messages so far. */
  get payloads(): unknown[] {
    return this.all('messages').flatMap(({ rows, skip }) =>
      (JSON.parse(rows) as [string, number, unknown][]).slice(skip).map(([, , payload]) => payload),
    );
  }
}
