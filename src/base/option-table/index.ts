/**
 * The options that have names here, sorted by level: a file each. One row is one option: how its value is
 * coded, what can be done with it, and where it exists. All else follows from it.
 */
import { ipOptions } from './ip';
import { ipv6Options } from './ipv6';
import { localOptions } from './local';
import { mptcpOptions } from './mptcp';
import { netlinkOptions } from './netlink';
import { packetOptions } from './packet';
import { rawOptions } from './raw';
import { sctpOptions } from './sctp';
import { socketOptions } from './socket';
import { tcpOptions } from './tcp';
import { tcpStacksOptions } from './tcp-stacks';
import { tlsOptions } from './tls';
import { udpOptions } from './udp';
import { vsockOptions } from './vsock';

type Joined<Table> = (Table extends unknown ? (table: Table) => void : never) extends (
  table: infer All,
) => void
  ? All
  : never;

/** All rows in one object without a prototype: a hash table at once, where spreads make V8 try shapes for 1.5 ms. */
function join<Tables extends readonly object[]>(...tables: Tables): Joined<Tables[number]> {
  return Object.assign(Object.create(null), ...tables);
}

export const optionTable = join(
  socketOptions,
  tcpOptions,
  tcpStacksOptions,
  udpOptions,
  ipOptions,
  ipv6Options,
  rawOptions,
  localOptions,
  mptcpOptions,
  tlsOptions,
  vsockOptions,
  netlinkOptions,
  packetOptions,
  sctpOptions,
);

/** The options that can be named in `getOption` and `setOption`. */
export type OptionName = keyof typeof optionTable;
