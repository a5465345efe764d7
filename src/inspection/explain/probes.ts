/**
 * Binds that are tried. None disturbs anybody:
 *
 * - Nothing listens, so no connection is let in or taken away. One that succeeds is given up at once; for some
 *   microseconds others get EADDRINUSE.
 * - SO_REUSEPORT comes last, and only where every holder has it: beside one without it a bind with the option
 *   would leave the port open to later binds with it (Linux: tb->fastreuseport, inet_csk_update_fastreuse).
 * - A UDP socket that shares a port takes its datagrams, so no shared bind is tried beside a holder.
 */
import { isIpv6, WILDCARDv6 } from '../../base/addresses';
import { binding } from '../../base/binding';
import { constants } from '../../base/constants';
import { EMFILE, ENFILE, systemError } from '../../base/errors';
import type { BindAttempt, BindOption } from './report';

export interface BindRequest {
  host: string;
  options: readonly BindOption[];
  device?: string;
}

const SUCCESS = 'Success';

export function succeeded({ result }: BindAttempt): boolean {
  return result === SUCCESS;
}

function setOption(fd: number, level: number, name: number | undefined, on: boolean): number {
  // The options that a request has are those of this platform.
  return name === undefined ? 0 : binding.setsockopt(fd, level, name, Number(on));
}

function prepare(fd: number, { host, options, device }: BindRequest): number {
  const on = (option: BindOption) => options.includes(option);
  if (host === WILDCARDv6) {
    const error = setOption(fd, constants.IPPROTO_IPV6, constants.IPV6_V6ONLY, on('IPV6_V6ONLY'));
    if (error < 0) return error;
  }
  for (const name of ['SO_REUSEADDR', 'SO_REUSEPORT', 'SO_EXCLUSIVEADDRUSE'] as const) {
    if (!on(name)) continue;
    const error = setOption(fd, constants.SOL_SOCKET, constants[name], true);
    if (error < 0) return error;
  }
  const { SO_BINDTODEVICE } = constants;
  if (device === undefined || SO_BINDTODEVICE === undefined) return 0;
  const name = Buffer.from(`${device}\0`);
  return binding.setsockoptBytes(fd, constants.SOL_SOCKET, SO_BINDTODEVICE, name);
}

/** libuv's error number, or 0. */
function bindOnce(request: BindRequest, type: number, port: number): number {
  const family = isIpv6(request.host) ? constants.AF_INET6 : constants.AF_INET;
  const fd = binding.socket(family, type, 0);
  // No descriptor left tells nothing of the port.
  if (fd === EMFILE || fd === ENFILE) throw systemError(fd, 'socket');
  if (fd < 0) return fd;
  const error = prepare(fd, request) || binding.bind(fd, family, request.host, port);
  binding.close(fd);
  return error;
}

export function socketTypeOf(protocol: 'tcp' | 'udp'): number {
  return protocol === 'tcp' ? constants.SOCK_STREAM : constants.SOCK_DGRAM;
}

/** Binds a socket of its own, closes it and tells what came of it. */
export function tryBind(request: BindRequest, protocol: 'tcp' | 'udp', port: number): BindAttempt {
  const error = bindOnce(request, socketTypeOf(protocol), port);
  return {
    host: request.host,
    options: [...request.options],
    ...(request.device !== undefined && { device: request.device }),
    result: error < 0 ? systemError(error, 'bind').code : SUCCESS,
  };
}

/** Whether a packet to the loopback address has a way to go. Nothing is sent. */
export function reachesLoopback(): boolean {
  const fd = binding.socket(constants.AF_INET, constants.SOCK_DGRAM, 0);
  // No descriptor left tells nothing of the interface.
  if (fd < 0) return true;
  // 9 is the port "discard": a datagram socket that connects only asks for the route.
  const error = binding.connect(fd, constants.AF_INET, '127.0.0.1', 9);
  binding.close(fd);
  return error === 0;
}
