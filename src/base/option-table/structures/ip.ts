/** Values of options that IPv4 and IPv6 share, and structures of IPv6. */

/** IP_PROTECTION_LEVEL of Windows: ws2ipdef.h. */
export const protectionLevels = [
  'PROTECTION_LEVEL_DEFAULT',
  'PROTECTION_LEVEL_UNRESTRICTED',
  'PROTECTION_LEVEL_EDGERESTRICTED',
  'PROTECTION_LEVEL_RESTRICTED',
] as const;

/** struct in6_flowlabel_req: include/uapi/linux/in6.h. */
export const flowLabelRequest = {
  dst: 'bytes16',
  label: 'be32',
  action: 'u8',
  share: 'u8',
  flags: 'u16',
  expires: 'u16',
  linger: 'u16',
  _pad: 'u32',
} as const;
