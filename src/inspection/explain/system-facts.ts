/** What the system tells about ports and the right to bind them. */
import { networkInterfaces } from 'node:os';
import {
  exclusiveHoldersGiveEacces,
  hasProcSys,
  listsBoundSockets,
  lowestUnprivilegedPort,
} from '../../base/platform';
import {
  type KernelStatus,
  type PortInterval,
  readEphemeralPorts,
  readLowestUnprivilegedPort,
  readReservedPorts,
  readStatus,
} from '../linux/system';

export interface LocalAddress {
  /** Numeric, without a zone. */
  address: string;
  /** The interface's name, which is the zone of a link-local address. */
  name: string;
  /** Whether it is a loopback interface's. */
  internal: boolean;
}

/** Read when asked for, since most reports need none of it. */
export interface SystemFacts {
  /** The ports that the system chooses from; undefined where it does not tell. */
  readonly ephemeral: PortInterval | undefined;
  /** Those of them that it leaves out. */
  readonly reserved: readonly PortInterval[];
  /** The lowest port that everybody may bind. */
  readonly unprivileged: number;
  /** What the kernel tells of this process; undefined where it does not. */
  readonly status: KernelStatus | undefined;
  /** Whether sockets that are bound and do not listen are among those that the system lists. */
  readonly listsBound: boolean;
  /** Whether EACCES tells of ports that are kept, and nothing of privileges: on Windows. */
  readonly refusesKeptPorts: boolean;
  readonly addresses: readonly LocalAddress[];
  /** This process' effective user; undefined on Windows. */
  readonly uid: number | undefined;
}

/** The facts of this machine. */
export class MachineFacts implements SystemFacts {
  readonly listsBound = listsBoundSockets;
  readonly refusesKeptPorts = exclusiveHoldersGiveEacces;
  #addresses: readonly LocalAddress[] | undefined;

  get ephemeral(): PortInterval | undefined {
    return hasProcSys ? readEphemeralPorts() : undefined;
  }

  get reserved(): readonly PortInterval[] {
    return hasProcSys ? readReservedPorts() : [];
  }

  get unprivileged(): number {
    return (hasProcSys ? readLowestUnprivilegedPort() : undefined) ?? lowestUnprivilegedPort;
  }

  get status(): KernelStatus | undefined {
    return hasProcSys ? readStatus() : undefined;
  }

  get addresses(): readonly LocalAddress[] {
    this.#addresses ??= localAddresses();
    return this.#addresses;
  }

  get uid(): number | undefined {
    return process.geteuid?.();
  }
}

function localAddresses(): LocalAddress[] {
  try {
    return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
      addresses.map(({ address, internal }) => ({ name, address, internal })),
    );
  } catch {
    // Android refuses (EACCES).
    return [];
  }
}
