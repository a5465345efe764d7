import { describe, expect, test } from 'vitest';
import { bindport, shell } from '../support/cli';
import { linuxOnly, unixOnly } from '../support/platform';

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
