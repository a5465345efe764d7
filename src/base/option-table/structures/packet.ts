/** struct packet_mreq: packet(7). */
export const packetMembership = {
  ifindex: 'i32',
  type: 'u16',
  alen: 'u16',
  address: 'bytes8',
} as const;
