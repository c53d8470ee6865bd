/** What is decided about certificates without touching one: names, when they are due, and the order of others' chains. */
import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers, mayVouch, normalName, permitted } from '../../../../src-main/contract/certificateNames';
import { orderChain } from '../../../../src-main/core/authority/chain';
import { day, due, renewalTime, standing } from '../../../../src-main/core/authority/renewal';
import type { CertificateFacts, ReadCertificate } from '../../../../src-main/core/issuer';
import type { CertificateRow } from '../../../../src-main/core/store';

const now = Date.UTC(2026, 5, 1);
const facts = (change: Partial<CertificateFacts> = {}): CertificateFacts => ({
  ...{ subject: 'CN=a', issuer: 'CN=b', serial: '1', sha1: '', sha256: '', keyType: 'EC P-256', names: ['a.test'] },
  ...{ notBefore: now, notAfter: now + 90 * day },
  ...change,
});

describe('names', () => {
  it('are written in one way, and nothing else passes', () => {
    const cases: [string, string | undefined][] = [
      [' Web.Shop.LOCALHOST. ', 'web.shop.localhost'],
      ['*.shop.test', '*.shop.test'],
      ['*.localhost', undefined],
      ['a.*.test', undefined],
      ['-a.test', undefined],
      ['a..test', undefined],
      ['a b', undefined],
      ['a\nb', undefined],
      ['', undefined],
      [`${'a'.repeat(64)}.test`, undefined],
      ['10.0.0.1', '10.0.0.1'],
      ['10.0.0.256', undefined],
      ['10.0.0', undefined],
      ['::1', '::1'],
      ['FE80::1', 'fe80::1'],
      ['1::2::3', undefined],
      ['1:2:3:4:5:6:7:8:9', undefined],
      ['a:b', undefined],
    ];
    for (const [text, name] of cases) expect(normalName(text), text).toBe(name);
  });

  it('agree with Node about what is an address, and which of them are private', () => {
    const list = new BlockList();
    for (const network of permitted.networks) {
      const [base = '', length] = network.split('/');
      list.addSubnet(base, Number(length), base.includes(':') ? 'ipv6' : 'ipv4');
    }
    const edges = fc.constantFrom(
      '127.0.0.0',
      '128.0.0.0',
      '172.15.255.255',
      '172.31.255.255',
      '172.32.0.0',
      'fdff::',
      'fe00::',
    );
    const near = fc.tuple(fc.constantFrom(10, 127, 169, 172, 192), fc.nat(255), fc.nat(255), fc.nat(255));
    const address = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      edges,
      near.map((bytes) => bytes.join('.')),
    );
    fc.assert(
      fc.property(address, (text) => {
        const name = normalName(text);
        // Addresses with a dotted tail are addresses to Node; we ask for the usual way of writing.
        if (text.includes(':') && text.includes('.')) return;
        expect(name !== undefined).toBe(isIP(text.toLowerCase()) !== 0);
        if (name !== undefined) expect(mayVouch(name)).toBe(list.check(name, isIP(name) === 6 ? 'ipv6' : 'ipv4'));
      }),
      { numRuns: 2000 },
    );
  });

  it('cover a host when they are it, or a star stands for its first label', () => {
    expect(covers(['a.test', '*.shop.test'], 'a.test')).toBe(true);
    expect(covers(['*.shop.test'], 'web.shop.test')).toBe(true);
    for (const host of ['shop.test', 'a.web.shop.test', 'web.shop.test.local'])
      expect(covers(['*.shop.test'], host)).toBe(false);
  });

  it('are vouched for below private domains only', () => {
    for (const name of ['localhost', 'a.localhost', 'db.internal', 'nas.home.arpa'])
      expect(mayVouch(name), name).toBe(true);
    for (const name of ['example.com', 'notlocalhost', 'localhost.example.com', 'arpa', 'x.notinternal'])
      expect(mayVouch(name), name).toBe(false);
  });
});

function row(change: Partial<CertificateRow> = {}): CertificateRow {
  return {
    ...{ name: 'a', source: 'issued', chain: '', key: '', facts: facts(), version: 1, createdAt: now, updatedAt: now },
    issued: { names: ['a.test'], life: 90 * day, authority: 'one', renewAt: now + 60 * day },
    ...change,
  };
}

describe('renewal', () => {
  it('is due at two thirds of the life or a little before, never later', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.integer({ min: 30, max: 397 }), (chance, days) => {
        const at = renewalTime(now, now + days * day, () => chance);
        const share = (at - now) / (days * day);
        expect(share).toBeLessThanOrEqual(2 / 3 + 1e-9);
        expect(share).toBeGreaterThan(0.6);
      }),
    );
  });

  it('is due by time, by another authority, and by other names; never for imported ones', () => {
    const at = (later: number, more: Partial<Parameters<typeof due>[1]> = {}): Parameters<typeof due>[1] => ({
      ...{ now: now + later, authority: 'one' },
      ...more,
    });
    expect(due(row(), at(59 * day))).toBe(false);
    expect(due(row(), at(60 * day))).toBe(true);
    expect(due(row(), at(0, { authority: 'two' }))).toBe(true);
    expect(due(row(), at(0, { names: ['a.test', 'b.test'] }))).toBe(true);
    const { issued: _, ...imported } = row({ source: 'imported' });
    expect(due(imported, at(100 * day))).toBe(false);
  });

  it('backs off after failures, but not for ever when the clock is put back', () => {
    const failed = { tries: 3, at: now + 61 * day, reason: 'x' };
    const ask = (later: number): boolean => due(row({ failed }), { now: failed.at + later, authority: 'one' });
    expect(ask(239_000)).toBe(false);
    expect(ask(240_000)).toBe(true);
    expect(ask(-1000)).toBe(true);
  });

  it('says how a certificate stands', () => {
    const at = (later: number, change: Partial<CertificateRow> = {}): [string, string] => {
      const { health, words } = standing(row(change), now + later);
      return [health, words.code];
    };
    const failed = { tries: 1, at: now, reason: 'locked' };
    expect(at(0)).toEqual(['ok', 'certificate.valid']);
    expect(at(-day)).toEqual(['warning', 'certificate.notYet']);
    expect(at(84 * day)).toEqual(['warning', 'certificate.soon']);
    expect(at(61 * day, { failed })).toEqual(['warning', 'certificate.failing']);
    expect(at(85 * day, { failed })).toEqual(['critical', 'certificate.failing']);
    expect(at(90 * day)).toEqual(['critical', 'certificate.expired']);
  });
});

describe('the chain of others', () => {
  const one = (change: Partial<ReadCertificate> & { of?: Partial<CertificateFacts> } = {}): ReadCertificate => {
    const { of, ...rest } = change;
    return {
      pem: `${of?.subject ?? 'CN=a'};`,
      facts: facts(of),
      authority: false,
      signedBy: [],
      ownsKey: false,
      ...rest,
    };
  };
  const leaf = one({ ownsKey: true, signedBy: [1] });
  const middle = one({ of: { subject: 'CN=middle' }, authority: true, signedBy: [2] });
  const root = one({ of: { subject: 'CN=root' }, authority: true, signedBy: [2] });

  it('is put in order, without its root', () => {
    expect(orderChain([leaf, middle, root], now).chain).toBe('CN=a;CN=middle;');
    const turned = [root, middle, leaf].map((each) => ({ ...each, signedBy: each.signedBy.map((index) => 2 - index) }));
    expect(orderChain(turned, now).chain).toBe('CN=a;CN=middle;');
    expect(orderChain([one({ ownsKey: true, signedBy: [0] })], now).chain).toBe('CN=a;');
  });

  it('is refused with the reason', () => {
    const cases: [ReadCertificate[], RegExp][] = [
      [[one()], /key does not belong/],
      [[one({ ownsKey: true, of: { notAfter: now } })], /has expired/],
      [[one({ ownsKey: true, of: { names: [] } })], /no names/],
      [
        [leaf, { ...middle, facts: facts({ subject: 'CN=middle', notAfter: now - 1 }) }, root],
        /CN=middle, which signed it, has expired/,
      ],
      [[one({ ownsKey: true }), one({ of: { subject: 'CN=stray' } })], /CN=stray has nothing to do/],
    ];
    for (const [list, words] of cases) expect(() => orderChain(list, now)).toThrow(words);
  });
});
