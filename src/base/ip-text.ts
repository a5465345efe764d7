/** IP addresses as text, as inet_ntop(3) writes them. */

export function ipv4Text(view: DataView, offset: number): string {
  return `${view.getUint8(offset)}.${view.getUint8(offset + 1)}.${view.getUint8(offset + 2)}.${view.getUint8(offset + 3)}`;
}

/** Start and length of the longest run of zero groups, the first of several; none if it is a single one. */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: -1, length: 1 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
    start += length;
  }
  return best.start === -1 ? { start: -1, length: 0 } : best;
}

/** RFC 5952, with the last 32 bits of a mapped or compatible IPv4 address as such. */
export function ipv6Text(view: DataView, offset: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(offset + 2 * i));
  const { start, length } = longestZeros(groups);
  if (start === 0 && (length === 6 || (length === 5 && groups[5] === 0xffff))) {
    return `${length === 5 ? '::ffff:' : '::'}${ipv4Text(view, offset + 12)}`;
  }
  const hex = groups.map((group) => group.toString(16));
  if (start === -1) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

/** The four bytes of a numeric IPv4 address, which is not checked. */
export function ipv4Bytes(text: string): number[] {
  return text.split('.').map(Number);
}

/** The groups of a part of an IPv6 address, a trailing IPv4 address as two. */
function ipv6Groups(part: string): number[] {
  if (part === '') return [];
  return part.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = ipv4Bytes(group);
    return [a * 256 + b, c * 256 + d];
  });
}

/** The sixteen bytes of a numeric IPv6 address without a zone, which is not checked. */
export function ipv6Bytes(text: string): number[] {
  const [head = '', tail] = text.split('::');
  const first = ipv6Groups(head);
  const last = ipv6Groups(tail ?? '');
  const zeros = new Array<number>(8 - first.length - last.length).fill(0);
  return [...first, ...zeros, ...last].flatMap((group) => [group >> 8, group & 0xff]);
}
