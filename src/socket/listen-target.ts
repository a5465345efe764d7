import { hasPorts } from '../base/addresses';
import { binding } from '../base/binding';
import { constants } from '../base/constants';
import { EEXIST, stateError, systemError } from '../base/errors';
import {
  createTcpHandle,
  createUdpHandle,
  isInEventLoop,
  type OpenableHandle,
} from '../base/node-handles';
import { node } from '../base/node-modules';
import { hasHiddenDescriptors, hasSharingUdpOpen, socketsAreFiles } from '../base/platform';
import { readOption, writeOption } from '../options/socket-options';

/**
 * What `server.listen()` takes (`dgramSocket.bind()` for a UDP socket): a libuv handle, or `{ fd }`
 * where the runtime has no such handles.
 */
export interface ListenTarget {
  readonly fd: number;
}

/** The handles opened here, by descriptor. A handle's `fd` is negative once it is closed (Unix). */
const opened = new Map<number, WeakRef<OpenableHandle>>();

/**
 * Whether another handle has the descriptor already. Both would close it, and by the second close the
 * number may be another socket's. libuv notices on Unix alone, and only once the first one listens or
 * receives.
 */
function isOpenedAlready(fd: number): boolean {
  return hasHiddenDescriptors ? isInEventLoop(fd) : opened.get(fd)?.deref()?.fd === fd;
}

function openHandle(handle: OpenableHandle, fd: number): ListenTarget {
  // Were a failure ignored, listen() would open a socket of its own: a random port of the wildcard address.
  const error = isOpenedAlready(fd) ? EEXIST : handle.open(fd);
  if (error === 0) {
    opened.set(fd, new WeakRef(handle));
    return handle;
  }
  handle.close();
  throw systemError(error, 'open');
}

/**
 * Calls `open` and then sets SO_REUSEADDR back to what it was before. libuv turns it on in every UDP socket
 * that it is given on Unix (uv_udp_open, libuv issue 4551), and with it others could bind the same port.
 */
export function preserveReuseAddr<Result>(fd: number, open: () => Result): Result {
  const before = readOption(fd, 'SO_REUSEADDR');
  try {
    return open();
  } finally {
    if (readOption(fd, 'SO_REUSEADDR') !== before) writeOption(fd, 'SO_REUSEADDR', before);
  }
}

/** A descriptor that somebody owns. */
interface Owned {
  fd: number;
}

/** Two descriptors that are needed for a moment: another one of our socket, and an unbound socket of its kind. */
function openSpares(fd: number, family: number): [ours: number, other: number] {
  const ours = binding.duplicate(fd, 0);
  if (ours < 0) throw systemError(ours, 'dup');
  const other = binding.socket(family, constants.SOCK_DGRAM, 0);
  if (other >= 0) return [ours, other];
  binding.close(ours);
  throw systemError(other, 'socket');
}

/**
 * Has a handle open a UDP socket's descriptor without ever making its port shareable. uv_udp_open sets
 * SO_REUSEADDR (on macOS and FreeBSD SO_REUSEPORT) in the socket and remembers nothing but the number. So
 * the number is made to refer to another, unbound socket while libuv opens it (dup2), and to ours again
 * afterwards. Where that fails, the owner has our socket under another number.
 */
function openDatagram(handle: OpenableHandle, owned: Owned, family: number): ListenTarget {
  const { fd } = owned;
  const [ours, other] = openSpares(fd, family);
  const away = binding.replace(other, fd);
  binding.close(other);
  if (away < 0) {
    binding.close(ours);
    throw systemError(away, 'dup');
  }
  let target: ListenTarget | undefined;
  let failure: unknown;
  try {
    target = openHandle(handle, fd);
  } catch (error) {
    failure = error;
  }
  const back = binding.replace(ours, fd);
  if (back < 0) {
    // The number has two owners now, and is given up by the one that libuv knows, if it does.
    if (target) handle.close();
    else binding.close(fd);
    owned.fd = ours;
    throw failure ?? systemError(back, 'dup');
  }
  binding.close(ours);
  if (target === undefined) throw failure;
  return target;
}

/**
 * Whether a UDP socket is connected. Then uv_udp_open must see it itself (UV_HANDLE_UDP_CONNECTED), and it
 * may: such a socket receives from its peer alone, so that sharing its port for an instant gives nothing away.
 */
function isConnected(fd: number): boolean {
  return typeof binding.getpeername(fd) === 'object';
}

/** Throws for a socket that neither a server nor a dgram socket can take over. */
export function refuseUntransferable(family: number, type: number): void {
  if (type === constants.SOCK_DGRAM && hasPorts(family)) return;
  if (type !== constants.SOCK_STREAM) {
    throw stateError(
      'ERR_SOCKET_BAD_TYPE',
      'Only stream sockets and UDP sockets can be handed over',
    );
  }
  if (!hasPorts(family) && node.cluster.isWorker) {
    throw stateError(
      'ERR_UNSUPPORTED_CLUSTER',
      'A cluster worker would have its primary listen on its own descriptor of this number',
    );
  }
}

/** The target for runtimes and families without a libuv handle that can be opened. */
function byNumber(fd: number): ListenTarget {
  if (socketsAreFiles) return { fd };
  throw stateError(
    'ERR_SOCKET_BAD_TYPE',
    'On Windows only TCP and UDP sockets can be handed over, and only where the runtime has libuv handles',
  );
}

/**
 * Makes a descriptor into what `server.listen()` or `dgramSocket.bind()` takes, which owns it from then on.
 * After a throw it is still the caller's, under the number that `owned` has then.
 */
export function openTarget(owned: Owned, family: number, type: number): ListenTarget {
  const { fd } = owned;
  refuseUntransferable(family, type);
  if (!hasPorts(family)) return byNumber(fd);
  if (type === constants.SOCK_STREAM) {
    const handle = createTcpHandle();
    return handle ? openHandle(handle, fd) : byNumber(fd);
  }
  const handle = createUdpHandle(family === constants.AF_INET6);
  if (handle === undefined) return byNumber(fd);
  if (!hasSharingUdpOpen || isConnected(fd)) {
    return preserveReuseAddr(fd, () => openHandle(handle, fd));
  }
  try {
    return openDatagram(handle, owned, family);
  } catch (error) {
    handle.close();
    throw error;
  }
}
