import { requireTools } from '../support/tools';

export default function setup(): void {
  requireTools([
    {
      what: 'strace, allowed to trace',
      probe: ['strace', '-o', '/dev/null', 'true'],
      package: 'strace',
    },
    {
      what: "python3 with CPython's test package",
      probe: ['python3', '-c', 'import test.support.socket_helper'],
      package: 'libpython3-testsuite',
    },
  ]);
}
