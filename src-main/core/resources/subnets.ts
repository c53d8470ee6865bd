/** Overlaps of address ranges. Pure; IPv4 and IPv6. */

interface Range {
  bits: string;
  family: 4 | 6;
}

/** `a.b.c.d/n` or IPv6 as the bits of its prefix; undefined when it is neither. */
export function rangeOf(subnet: string): Range | undefined {
  const [address = '', length = ''] = subnet.split('/');
  if (!/^\d{1,3}$/.test(length)) return undefined;
  const bits = address.includes(':') ? bitsOfSix(address) : bitsOfFour(address);
  if (bits === undefined || Number(length) > bits.length) return undefined;
  return { bits: bits.slice(0, Number(length)), family: bits.length === 32 ? 4 : 6 };
}

/** True when one holds addresses of the other. */
export function overlap(one: string, two: string): boolean {
  const [left, right] = [rangeOf(one), rangeOf(two)];
  if (!left || !right || left.family !== right.family) return false;
  return left.bits.startsWith(right.bits) || right.bits.startsWith(left.bits);
}

function bitsOfFour(address: string): string | undefined {
  const parts = address.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) return undefined;
  return parts.map((part) => part.toString(2).padStart(8, '0')).join('');
}

function bitsOfSix(address: string): string | undefined {
  const [head = '', tail] = address.split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const gap = 8 - front.length - back.length;
  if (tail === undefined ? gap !== 0 : gap < 0) return undefined;
  const groups = [...front, ...Array.from({ length: gap }, () => '0'), ...back];
  if (groups.some((group) => !/^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return groups.map((group) => parseInt(group, 16).toString(2).padStart(16, '0')).join('');
}
