import { expect, onTestFinished, test } from 'vitest';
import { reservePort } from '../../src/index';
import { linuxOnly } from '../support/platform';

test.each(['127.0.0.5', '127.255.255.254'])(
  'a program is found that listens on %s, an address that no interface lists',
  linuxOnly('elsewhere only addresses of interfaces can be bound'),
  async (host) => {
    using reservation = reservePort();
    const script = `require('net').createServer().listen(process.env.PORT, '${host}')`;
    const child = reservation.spawn(process.execPath, ['-e', script]);
    onTestFinished(() => {
      child.kill();
    });
    expect(await reservation.ready()).toEqual({
      address: host,
      family: 'IPv4',
      port: reservation.port,
    });
  },
);
