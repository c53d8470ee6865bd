/** Who gets a gray release. Pure, and the same reader always gets the same answer. */
import { hash32 } from '../../base/random';
import type { GrayRule } from '../../contract/api/config';

/** What is known of a reader. */
export interface Reader {
  ip?: string;
  label?: string;
  /** `<stack>/<service>.<slot>`. */
  replica?: string;
}

/** Does the reader fit? */
export function fits(rule: GrayRule, reader: Reader, item: string): boolean {
  const { ip, label, replica } = reader;
  if (replica !== undefined && rule.replicas.includes(replica)) return true;
  if (label !== undefined && label !== '' && rule.labels.includes(label)) return true;
  if (ip !== undefined && rule.ips.some((one) => holds(one, ip))) return true;
  const identity = replica ?? ip;
  // Without the release in the hash: a larger share keeps those of a smaller one, and the next release meets the same ones first.
  return identity !== undefined && hash32(`${item}\u0000${identity}`) % 100 < rule.share;
}

/** Is the address that one, or inside that network? IPv6 addresses are compared as they are written. */
export function holds(network: string, address: string): boolean {
  if (network === address) return true;
  const [base = '', bits = ''] = network.split('/');
  const from = v4(base);
  const ip = v4(address);
  if (from === undefined || ip === undefined || !/^\d{1,2}$/.test(bits) || Number(bits) > 32) return false;
  const shift = 32 - Number(bits);
  return shift === 32 || from >>> shift === ip >>> shift;
}

function v4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || parts.some((part) => !/^\d{1,3}$/.test(part) || Number(part) > 255)) return undefined;
  return parts.reduce((sum, part) => ((sum << 8) | Number(part)) >>> 0, 0);
}
