import { describe, expect, test } from 'vitest';
import { hasIpv6 } from '../support/network';
import { isWindows, runWhen, unixOnly } from '../support/platform';
import { places, roundTrips } from '../support/round-trips';

const isIpv6 = (protocol: string) => /6$/.test(protocol);

describe.each(places)('in $place', ({ place, run }) => {
  describe.each(roundTrips.protocolNames)('%s', (protocol) => {
    const here = runWhen(hasIpv6 || !isIpv6(protocol), 'this machine has no ::1');

    test('the adopted socket itself is served', here, async () => {
      const report = await run('roundTrip', protocol);
      expect(report).toMatchObject({
        adopted: { address: isIpv6(protocol) ? '::1' : '127.0.0.1' },
        answer: 'served',
        before: { reuseAddr: false, reusePort: false },
        after: { reuseAddr: false, reusePort: false },
        handleClosed: true,
        openWhileServing: true,
        openAfterClose: false,
      });
      expect(report).toSatisfy(
        ({ port, adopted, serverPort }) => port === adopted.port && port === serverPort,
      );
    });

    const shared = isWindows ? unixOnly('SO_EXCLUSIVEADDRUSE excludes SO_REUSEADDR') : here;
    test('SO_REUSEADDR stays set where it was', shared, async () => {
      expect(await run('roundTrip', protocol, true)).toMatchObject({
        answer: 'served',
        before: { reuseAddr: true },
        after: { reuseAddr: true },
      });
    });
  });

  test('a Unix domain socket', unixOnly('Node has named pipes on Windows'), async () => {
    expect(await run('unixDomain')).toEqual(
      // The primary would listen on its own descriptor of that number.
      place === 'a cluster worker'
        ? { code: 'ERR_UNSUPPORTED_CLUSTER', kept: true }
        : { adopted: true, served: 'served' },
    );
  });
});
