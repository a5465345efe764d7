import { describe, expect, test } from 'vitest';
import { reservePort, reservePorts } from '../../src/index';
import { bindport, shell } from '../support/cli';
import { freePort, quietPorts } from '../support/free-port';
import { isLinux, linuxOnly, unixOnly } from '../support/platform';

describe('bindport find', () => {
  test('prints a port', async () => {
    const { out, code } = await bindport('find');
    expect(out).toMatch(/^\d+\n$/);
    expect(code).toBe(0);
  });

  test('prints as many as asked for, one a line or as JSON', async () => {
    const lines = (await bindport('find', '-n', '5', '--host', 'localhost')).out.trim().split('\n');
    expect(new Set(lines).size).toBe(5);
    const { out } = await bindport('find', '-n', '5', '--udp', '--json');
    expect(new Set(JSON.parse(out)).size).toBe(5);
  });

  test('prints those very ports, and the first that is free of each range', async () => {
    const reservations = reservePorts([0, 1, 2, 3], { port: quietPorts() });
    const [first, second, third, fourth] = reservations.map(({ port }) => port);
    for (const reservation of reservations) reservation.release();
    // In the order that is asked for; a port that is named goes before a range that has it.
    const args = [`${first}-${fourth}`, `${third}`, `${first}`];
    expect(await bindport('find', ...args)).toMatchObject({
      out: `${second}\n${third}\n${first}\n`,
      err: '',
      code: 0,
    });
    const { out } = await bindport('find', '--json', '--udp', '--host', '127.0.0.1', `${first}`);
    expect(JSON.parse(out)).toEqual([first]);
  });

  test('prints none when one of them is taken, and names who has it', async () => {
    using taken = reservePort({ port: quietPorts() });
    const { port } = taken;
    const { out, err, code } = await bindport(
      'find',
      `${freePort()}`,
      `${port}`,
      `${port}-${port}`,
    );
    expect([out, code]).toEqual(['', 2]);
    expect(err).toContain(`'${port}-${port}' has no port that was not asked for before`);
    const second = await bindport('find', `${freePort()}`, `${port}`);
    expect([second.out, second.code]).toEqual(['', 1]);
    expect(second.err).toMatch(new RegExp(`^bindport find: bind EADDRINUSE [^ ]*:${port}.*\n$`));
    if (isLinux) expect(second.err).toContain(`process ${process.pid} (`);
  });

  test('says so when its output can not be written', linuxOnly('/dev/full'), async () => {
    const { err, code } = await shell('"$NODE" "$PROGRAM" find > /dev/full');
    expect(err).toMatch(/^bindport: .*ENOSPC.*\n$/);
    expect(code).toBe(1);
  });

  test('says no where no port can be had', async () => {
    const { err, code } = await bindport('find', '--host', '192.0.2.1');
    expect(err).toContain('EADDRNOTAVAIL');
    expect(code).toBe(1);
  });

  test(
    'ends quietly when nobody reads',
    unixOnly('its other programs are Unix shells'),
    async () => {
      const { out, err, code } = await shell('"$NODE" "$PROGRAM" find -n 5000 | head -n 1');
      expect(out).toMatch(/^\d+\n$/);
      expect([err, code]).toEqual(['', 0]);
    },
  );
});
