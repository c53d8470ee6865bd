/** Names of certificates: how they are written, and which of them the local authority may vouch for. Pure. */

/**
 * What the local authority is limited to: names that mean this machine or a private network, and nothing of the public Internet. Who
 * trusts it trusts no more than that. Domains: RFC 6761 (localhost, test), RFC 6762 (local), RFC 8375 (home.arpa), ICANN 2024
 * (internal). Networks: RFC 1122, 1918, 3927, 4193, 4291.
 */
export const permitted = {
  domains: ['localhost', 'test', 'local', 'internal', 'home.arpa'],
  networks: [
    '127.0.0.0/8',
    '10.0.0.0/8',
    '172.16.0.0/12',
    '192.168.0.0/16',
    '169.254.0.0/16',
    '::1/128',
    'fc00::/7',
    'fe80::/10',
  ],
} as const;

const label = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;

/** The name as certificates have it: lower case, no final dot; undefined when it is neither a DNS name nor an address. */
export function normalName(text: string): string | undefined {
  const name = text.trim().toLowerCase().replace(/\.$/, '');
  if (addressBytes(name)) return name;
  // What looks like an address and is none is no name either.
  if (name.length > 253 || name.includes(':') || /^[\d.]+$/.test(name)) return undefined;
  const labels = name.split('.');
  // A star stands for one label, the first of at least three.
  if (labels[0] === '*')
    return labels.length >= 3 && labels.slice(1).every((one) => label.test(one)) ? name : undefined;
  return labels.every((one) => label.test(one)) ? name : undefined;
}

/** True when the local authority may vouch for this (normal) name. */
export function mayVouch(name: string): boolean {
  const bytes = addressBytes(name);
  if (bytes) return permitted.networks.some((network) => isWithin(bytes, network));
  return permitted.domains.some((domain) => name === domain || name.endsWith(`.${domain}`));
}

/** True when a certificate with these names is good for a host (RFC 6125, 6.4.3: a star stands for the first label). */
export function covers(names: readonly string[], host: string): boolean {
  const above = host.slice(host.indexOf('.'));
  return names.some((name) => name === host || (name.startsWith('*.') && name.slice(1) === above));
}

function isWithin(bytes: readonly number[], network: string): boolean {
  const [base = '', length = ''] = network.split('/');
  const other = addressBytes(base) ?? [];
  if (other.length !== bytes.length) return false;
  for (let bit = 0; bit < Number(length); bit++) {
    const mask = 0x80 >> (bit & 7);
    if (((bytes[bit >> 3] ?? 0) & mask) !== ((other[bit >> 3] ?? 0) & mask)) return false;
  }
  return true;
}

/** The bytes of an address, four or sixteen; undefined when it is none. */
export function addressBytes(text: string): number[] | undefined {
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) {
    const bytes = text.split('.').map(Number);
    return bytes.every((byte) => byte <= 255) ? bytes : undefined;
  }
  if (!/^[0-9a-f:]{2,39}$/.test(text) || !text.includes(':')) return undefined;
  const [head = '', tail, ...rest] = text.split('::');
  if (rest.length > 0) return undefined;
  const words = (part: string | undefined): string[] => (part ? part.split(':') : []);
  const [left, right] = [words(head), words(tail)];
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const all = [...left, ...Array.from({ length: missing }, () => '0'), ...right];
  if (!all.every((word) => /^[0-9a-f]{1,4}$/.test(word))) return undefined;
  return all.flatMap((word) => [parseInt(word, 16) >> 8, parseInt(word, 16) & 0xff]);
}
