/** A certificate of others: its chain in the order that servers send it, or why it is of no use. Pure. */
import { fail } from '../../contract/errors';
import type { CertificateFacts, ReadCertificate } from '../issuer';

/** The server's own certificate first, then whoever signed the one before; roots are left out, clients have their own. */
export function orderChain(list: readonly ReadCertificate[], now: number): { chain: string; facts: CertificateFacts } {
  const first = list.find((one) => one.ownsKey && !one.authority) ?? list.find((one) => one.ownsKey);
  if (!first)
    throw fail(
      'bad-input',
      'The key does not belong to any of these certificates.',
      'Give the key that it was requested with.',
    );
  const { facts } = first;
  if (facts.notAfter <= now)
    throw fail('bad-input', `The certificate has expired: ${new Date(facts.notAfter).toISOString().slice(0, 10)}.`);
  if (facts.names.length === 0)
    throw fail('bad-input', 'The certificate has no names (subjectAltName): no browser takes it.');
  const used = new Set([first]);
  const chain = [first];
  for (let last = first; ;) {
    const parent = last.signedBy.map((index) => list[index]).find((one) => one && !used.has(one));
    if (!parent) break;
    used.add(parent);
    last = parent;
    const root = list.indexOf(parent);
    if (!parent.signedBy.includes(root)) chain.push(parent);
    if (parent.facts.notAfter <= now) throw fail('bad-input', `${parent.facts.subject}, which signed it, has expired.`);
  }
  const stray = list.find((one) => !used.has(one));
  if (stray)
    throw fail(
      'bad-input',
      `${stray.facts.subject} has nothing to do with the others: it signed none of them.`,
      'Leave it out, or give the one in between that is missing.',
    );
  return { chain: chain.map(({ pem }) => pem).join(''), facts };
}
