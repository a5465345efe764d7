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

export const optionTable = {
  ...socketOptions,
  ...tcpOptions,
  ...tcpStacksOptions,
  ...udpOptions,
  ...ipOptions,
  ...ipv6Options,
  ...rawOptions,
  ...localOptions,
  ...mptcpOptions,
  ...tlsOptions,
  ...vsockOptions,
  ...netlinkOptions,
  ...packetOptions,
  ...sctpOptions,
} as const;

/** The options that can be named in `getOption` and `setOption`. */
export type OptionName = keyof typeof optionTable;
