import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { startHolder } from '../../support/holder';
import { fixture } from '../../support/paths';

test('interfaces, zones and one port among many are found in a namespace of their own', () => {
  const command = ['--net', process.execPath, fixture('inspection/in-namespace.cjs')];
  expect(JSON.parse(execFileSync('unshare', command, { encoding: 'utf8' }))).toEqual({
    device: [[{ address: '127.0.0.1', family: 'IPv4', port: 1234 }, 'lo']],
    zone: [[{ address: 'fe80::b1d%lo', family: 'IPv6', port: 1235 }, 'lo']],
    counted: 2002,
    one: ['BOUND', 20001, [true]],
    others: 0,
  });
});

test('root without CAP_SYS_PTRACE is told so, too, where /proc hides the processes of others', async () => {
  const holder = await startHolder();
  const query = JSON.stringify({ port: holder.port });
  const script = `mount -t proc -o hidepid=2 proc /proc && exec setpriv --bounding-set=-sys_ptrace --inh-caps=-all ${process.execPath} ${fixture('inspection/find-sockets.cjs')} '${query}'`;
  const output = execFileSync('unshare', ['--mount', 'sh', '-c', script], { encoding: 'utf8' });
  expect(JSON.parse(output)).toMatchObject([
    { processes: [], unseen: [{ what: 'processes', right: 'CAP_SYS_PTRACE' }] },
  ]);
});
