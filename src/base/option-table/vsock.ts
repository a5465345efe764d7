/** Sockets between virtual machines: vsock(7), include/uapi/linux/vm_sockets.h. */
import { rowsAt } from './row';

const row = rowsAt('AF_VSOCK');

export const vsockOptions = {
  SO_VM_SOCKETS_BUFFER_SIZE: row('bigint', 'rw', 'Linux 3.9'),
  SO_VM_SOCKETS_BUFFER_MIN_SIZE: row('bigint', 'rw', 'Linux 3.9'),
  SO_VM_SOCKETS_BUFFER_MAX_SIZE: row('bigint', 'rw', 'Linux 3.9'),
  SO_VM_SOCKETS_PEER_HOST_VM_ID: row('integer', 'r', 'Linux 3.9', 'VMCI'),
  SO_VM_SOCKETS_TRUSTED: row('boolean', 'r', 'Linux 3.9', 'VMCI'),
  SO_VM_SOCKETS_CONNECT_TIMEOUT_OLD: row('milliseconds', 'rw', 'Linux 3.9'),
  SO_VM_SOCKETS_CONNECT_TIMEOUT_NEW: row('milliseconds64', 'rw', 'Linux 5.16'),
  SO_VM_SOCKETS_NONBLOCK_TXRX: row('boolean', 'rw', 'Linux 3.9'),
} as const;
