import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressKey, canonicalAddress, TrustedProxies } from './address.ts';

describe('an address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    [' 192.0.2.1 ', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::1', '::1'],
    ['::', '::'],
    ['192.0.2.256', undefined],
    ['192.0.2', undefined],
    ['0x7f.1', undefined],
    ['unknown', undefined],
    ['', undefined],
    [':::', undefined],
    ['2001:db8::1/64', undefined],
  ])('%j has the one spelling %j', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical);
  });

  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    [undefined, undefined],
  ])('%s is counted as %s', (address, key) => {
    expect(addressKey(address)).toBe(key);
  });

  it('is counted by its /64, whatever the other half says', () => {
    const hextets = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 4, maxLength: 4 });
    const text = (parts: number[]) => parts.map((part) => part.toString(16)).join(':');
    fc.assert(
      fc.property(hextets, hextets, hextets, (network, one, other) => {
        fc.pre(network.some((hextet) => hextet > 0));
        const key = addressKey(`${text(network)}:${text(one)}`);
        expect(key).toBe(addressKey(`${text(network)}:${text(other)}`));
        expect(key).toBe(`${text(network)}::/64`);
      }),
    );
  });
});

describe('trusted proxies', () => {
  const proxies = new TrustedProxies(['10.0.0.0/8', '192.0.2.7', 'fd00::/8', '::ffff:172.16.0.0/108']);

  it.each<[string, string | undefined, string | undefined, string | undefined]>([
    ['without a proxy, the peer', '203.0.113.1', undefined, '203.0.113.1'],
    ['whose header nobody trusts, the peer', '203.0.113.1', '198.51.100.1', '203.0.113.1'],
    ['behind one proxy', '10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['behind a mapped one', '::ffff:10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['behind one of a mapped range', '172.16.9.9', '198.51.100.1', '198.51.100.1'],
    ['behind two', '10.1.2.3', '198.51.100.1, 192.0.2.7', '198.51.100.1'],
    ['behind an IPv6 one', 'fd12::1', '2001:DB8::5', '2001:db8::5'],
    ['with ports', '10.1.2.3', '198.51.100.1:1234,[fd00::1]:80', '198.51.100.1'],
    ['that made one up, the one that the proxy saw', '10.1.2.3', '1.1.1.1, 198.51.100.1', '198.51.100.1'],
    ['that made up a trusted one', '10.1.2.3', '10.9.9.9, 198.51.100.1', '198.51.100.1'],
    ['that made up garbage', '10.1.2.3', 'x;<>,, 198.51.100.1', '198.51.100.1'],
    ['that a proxy cannot name, the proxy', '10.1.2.3', '198.51.100.1, unknown', '10.1.2.3'],
    ['that is itself in the range, the first', '10.1.2.3', '10.0.0.1, 10.0.0.2', '10.0.0.1'],
    ['over a socket that nobody trusts, nobody', undefined, '198.51.100.1', undefined],
  ])('find a client %s', (_case, peer, forwardedFor, address) => {
    expect(proxies.clientAddress(peer, forwardedFor)).toBe(address);
  });

  it('can be one over a Unix socket', () => {
    expect(new TrustedProxies(['unix']).clientAddress(undefined, '198.51.100.1')).toBe('198.51.100.1');
  });

  it('never believe what stands left of an address that is no proxy', () => {
    fc.assert(
      fc.property(fc.string(), (spoofed) => {
        expect(proxies.clientAddress('10.1.2.3', `${spoofed}, 203.0.113.9`)).toBe('203.0.113.9');
      }),
    );
  });

  it.each([
    'localhost',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    'fd00::/129',
    '::ffff:10.0.0.0/8',
    '10.0.0.0/-1',
    '',
  ])('cannot be %j', (entry) => {
    expect(() => new TrustedProxies([entry])).toThrow('trustedProxies:');
  });
});
