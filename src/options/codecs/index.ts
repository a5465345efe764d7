/** The codec of each kind of option, and the JavaScript type of its values. */
import type { SocketAddress } from '../../base/addresses';
import type { Row, SimpleKind } from '../../base/option-table/row';
import { kernelAbi } from '../../base/platform';
import { address, ipv4Address, peerName } from './addresses';
import type { Codec } from './codec';
import { enumeration } from './enumeration';
import {
  group,
  groupSource,
  type Membership,
  membership,
  membership6,
  type PacketInfo,
  packetInfo,
  type SourceMembership,
  sourceMembership,
} from './multicast';
import {
  bigint,
  boolean,
  int,
  integers,
  networkInterface,
  type PortRange,
  portRange,
  unsigned,
  unsigned16,
} from './numbers';
import {
  bytes,
  type Credentials,
  credentials,
  type PeerCredentials,
  peerCredentials,
  text,
  uuid,
} from './plain';
import { structureCodec } from './structure';
import { type Linger, linger, timeout, timeout64 } from './times';

/** The JavaScript type of each kind of option but enumerations and structures. */
export interface OptionValues {
  boolean: boolean;
  integer: number;
  unsigned: number;
  bigint: bigint;
  unsigned16: number;
  seconds: number;
  'whole-milliseconds': number;
  microseconds: number;
  milliseconds: number;
  milliseconds64: number;
  interface: number;
  'port-range': PortRange;
  linger: Linger;
  text: string;
  uuid: string;
  credentials: Credentials;
  'peer-credentials': PeerCredentials;
  integers: number[];
  ipv4: string;
  address: SocketAddress;
  'peer-name': SocketAddress;
  membership: Membership;
  'source-membership': SourceMembership;
  membership6: Membership;
  group: Membership;
  'group-source': SourceMembership;
  /** Windows has a boolean in its place. */
  'packet-info': PacketInfo | boolean;
  bytes: Uint8Array;
}

const codecs: { readonly [Kind in SimpleKind]: Codec<OptionValues[Kind]> } = {
  boolean,
  integer: int,
  unsigned,
  bigint,
  unsigned16,
  seconds: int,
  'whole-milliseconds': unsigned,
  microseconds: int,
  milliseconds: timeout,
  milliseconds64: timeout64,
  interface: networkInterface,
  'port-range': portRange,
  linger,
  text,
  uuid,
  credentials,
  'peer-credentials': peerCredentials,
  integers,
  ipv4: ipv4Address,
  address,
  'peer-name': peerName,
  membership,
  'source-membership': sourceMembership,
  membership6,
  group,
  'group-source': groupSource,
  'packet-info': packetInfo,
  bytes,
};

/** How the values of an option are coded here. */
export function codecOf(row: Row): Codec<unknown> {
  if (row.kind === 'enumeration') return enumeration(row.names ?? []);
  if (row.kind === 'structure') {
    const own = kernelAbi && row.fieldsOn?.[kernelAbi];
    return structureCodec(own ?? row.fields ?? {}, row.room, row.request);
  }
  const kind = (kernelAbi && row.kindOn?.[kernelAbi]) ?? row.kind;
  const codec = codecs[kind];
  return codec.int || row.room === undefined ? codec : { ...codec, length: row.room };
}
