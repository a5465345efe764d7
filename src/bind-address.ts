import { binding } from './binding';
import { EACCES, systemError } from './errors';
import { isWindows } from './platform';

/** bind(2) to a numeric address or a path. Throws Node's own error for it. */
export function bindTo(fd: number, family: number, address: string, port: number): void {
  const error = binding.bind(fd, family, address, port);
  if (error === 0) return;
  throw systemError(error, 'bind', {
    address,
    port,
    // On Windows the code says nothing of privileges.
    ...(isWindows &&
      error === EACCES && {
        explanation:
          'another socket holds the port exclusively, or it lies in an excluded range (netsh int ipv4 show excludedportrange)',
      }),
  });
}
