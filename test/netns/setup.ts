import { requireTools } from '../support/tools';

export default function setup(): void {
  requireTools([
    {
      what: 'unshare, allowed to make a network namespace (root)',
      probe: ['unshare', '--net', 'true'],
      package: 'util-linux',
    },
    { what: 'ip', probe: ['ip', '-V'], package: 'iproute2' },
  ]);
}
