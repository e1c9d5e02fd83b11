import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';
import { invalid } from '../invalid.ts';

/** An address in one spelling: dotted IPv4, also where it came mapped into IPv6, or compressed IPv6 in lower case. */
export function canonicalAddress(text: string): string | undefined {
  const [bare = ''] = text.trim().split('%', 1);
  if (isIPv4(bare)) return bare;
  if (!isIPv6(bare)) return undefined;
  const hextets = expand(bare);
  const isMapped = hextets.slice(0, 5).every((hextet) => hextet === 0) && hextets[5] === 0xffff;
  if (!isMapped) return new URL(`http://[${bare}]/`).hostname.slice(1, -1);
  const [high = 0, low = 0] = hextets.slice(6);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/**
 * What a client is counted by: an IPv4 address, or the /64 of an IPv6 one, for whoever has one address of a /64 has
 * all of them. Undefined where there is no address, as over a Unix socket.
 */
export function addressKey(address: string | undefined): string | undefined {
  const canonical = address === undefined ? undefined : canonicalAddress(address);
  if (canonical === undefined || isIPv4(canonical)) return canonical;
  const network = expand(canonical).slice(0, 4);
  return `${network.map((hextet) => hextet.toString(16)).join(':')}::/64`;
}

/** The eight parts of a valid IPv6 address. */
function expand(address: string): number[] {
  // The URL parser writes a dotted tail in hexadecimal, and leaves one run of zeros to be filled in.
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const parts = (text: string) => (text === '' ? [] : text.split(':').map((part) => parseInt(part, 16)));
  const before = parts(head);
  if (tail === undefined) return before;
  const after = parts(tail);
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

/** The proxies whose `X-Forwarded-For` is believed. */
export class TrustedProxies {
  readonly #blocks = new BlockList();
  readonly #trustsUnix: boolean;

  /** @throws ConnectionError `invalid-option` */
  constructor(given: readonly string[]) {
    if (!Array.isArray(given)) throw invalid('trustedProxies must be a list of addresses');
    this.#trustsUnix = given.includes('unix');
    for (const entry of given as unknown[]) if (entry !== 'unix') this.#add(entry);
  }

  /**
   * The client's address: the right-most one that is no trusted proxy, seen from the server. Each proxy appends whom
   * it talked to, so whatever a client wrote into the header itself stands to the left of that, and is never looked at.
   */
  clientAddress(peer: string | undefined, forwardedFor: string | undefined): string | undefined {
    let address = canonicalPeer(peer);
    const hops = forwardedFor?.split(',') ?? [];
    while (hops.length > 0 && this.trusts(address)) {
      const hop = canonicalAddress(withoutPort(hops.pop()!));
      // What a trusted proxy wrote and nobody can read: the proxy answers for it.
      if (hop === undefined) return address;
      address = hop;
    }
    return address;
  }

  /** Whether this is one of them. */
  trusts(address: string | undefined): boolean {
    const canonical = canonicalPeer(address);
    if (canonical === undefined) return this.#trustsUnix;
    return isIP(canonical) !== 0 && this.#blocks.check(canonical, isIPv4(canonical) ? 'ipv4' : 'ipv6');
  }

  #add(entry: unknown): void {
    const wrong = invalid(
      `trustedProxies: ${String(entry)} is no address such as 10.0.0.1, no range such as 10.0.0.0/8 or fd00::/8, and not unix`,
    );
    if (typeof entry !== 'string') throw wrong;
    const [text = '', bits, ...more] = entry.split('/');
    const address = canonicalAddress(text);
    if (address === undefined || more.length > 0 || text.includes('%')) throw wrong;
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    if (bits === undefined) return this.#blocks.addAddress(address, family);
    // A range of mapped addresses is one of IPv4, of which the first 96 bits say no more than that.
    const prefix = /^\d{1,3}$/.test(bits) ? Number(bits) - (family === 'ipv4' && isIPv6(text) ? 96 : 0) : -1;
    if (prefix < 0 || prefix > (family === 'ipv4' ? 32 : 128)) throw wrong;
    this.#blocks.addSubnet(address, prefix, family);
  }
}

const canonicalPeer = (peer: string | undefined): string | undefined =>
  peer === undefined ? undefined : (canonicalAddress(peer) ?? peer);

/** Some proxies write the port, too: `192.0.2.1:1234`, `[2001:db8::1]:1234`. */
function withoutPort(hop: string): string {
  const text = hop.trim();
  const bracketed = /^\[(.*)\](?::\d+)?$/.exec(text);
  return bracketed?.[1] ?? text.replace(/^([\d.]+):\d+$/, '$1');
}
