import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { reservePort, reservePorts } from '../../src/index';
import { bindport, program, shell, start } from '../support/cli';
import { freePort, quietPorts } from '../support/free-port';
import { fixture } from '../support/paths';
import { isLinux, linuxOnly, unixOnly } from '../support/platform';
import { allRefused, ask, ended, thieves } from '../support/reservations';

/** The first line that a program prints. */
async function firstLine(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('no stdout');
  const lines = createInterface(child.stdout);
  const [line] = await once(lines, 'line');
  lines.close();
  return line;
}

describe('bindport run', unixOnly('its other programs are Unix shells'), () => {
  test('puts the port in the arguments and in PORT', async () => {
    const { out, code } = await bindport('run', '--', 'sh', '-c', 'echo $PORT $0', '-p={port}');
    expect(out).toMatch(/^(\d+) -p=\1\n$/);
    expect(code).toBe(0);
  });

  test("leaves the program's options to the program", async () => {
    const { out } = await bindport('run', 'echo', '--host', '--help', '-h', '--', '{port}');
    expect(out).toMatch(/^--host --help -h -- \d+\n$/);
  });

  test('takes the preferred port, unless it is taken', async () => {
    const reservation = reservePort({ port: quietPorts() });
    const port = String(reservation.port);
    const command = ['run', '--port', port, '--', 'printenv', 'PORT'];
    expect((await bindport(...command)).out).not.toBe(`${port}\n`);
    reservation.release();
    expect((await bindport(...command)).out).toBe(`${port}\n`);
  });

  test('takes a port of a range', async () => {
    const [first, second] = reservePorts([0, 1], { port: quietPorts() });
    if (!first || !second) throw new Error('no pair');
    using _ = first;
    second.release();
    const { out } = await bindport(
      'run',
      '--port',
      `${first.port}-${second.port}`,
      'printenv',
      'PORT',
    );
    expect(out).toBe(`${second.port}\n`);
  });

  test.each([
    ['the exit status', ['sh', '-c', 'exit 7'], 7],
    ['128 + 9 after SIGKILL', ['sh', '-c', 'kill -9 $$'], 137],
    ['128 + 15 after SIGTERM', ['sh', '-c', 'kill $$'], 143],
    ['127 for a program that is not found', ['no-such-program'], 127],
    ['126 for a file that is no program', [fixture('reservation/thieves.py')], 126],
  ])('passes on %s', async (_, command, code) => {
    expect((await bindport('run', '--', ...command)).code).toBe(code);
  });

  test.each(['echo $PORT', 'no-such-program|cat', '$PORT'])(
    'says what to do with %j as one word',
    async (line) => {
      const { err, code } = await bindport('run', '--', line);
      expect(err).toContain(
        "one word, the name of a program; for a shell's command line: run -- sh -c",
      );
      expect(code).toBe(127);
      expect((await bindport('run', '--', 'no-such-program')).err).not.toContain('sh -c');
    },
  );

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGQUIT'] as const)(
    'forwards %s',
    async (signal) => {
      const script = `process.on('${signal}', () => process.exit(3)); console.log('ready'); setInterval(() => {}, 1e6)`;
      const child = start(['run', '--', process.execPath, '-e', script]);
      expect(await firstLine(child)).toBe('ready');
      child.kill(signal);
      expect(await ended(child)).toEqual([3, null]);
    },
  );

  test('forwards a signal that comes while the program starts', async () => {
    const preload = fixture('cli/signal-while-starting.cjs');
    // It ends with its standard input, should nobody else end it.
    const child = start(['run', '--', 'cat'], {
      stdio: ['pipe', 'ignore', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: `--require "${preload}"` },
    });
    expect(await ended(child)).toEqual([143, null]);
  });

  test('leaves Ctrl+C to the terminal, which tells the program itself', async () => {
    const script = `
      let count = 0;
      process.on('SIGINT', () => { count++; console.log('interrupted'); });
      process.stdin.once('data', () => { console.log('times: ' + count); process.exit(7); });
      console.log('ready');
    `;
    const args = [process.execPath, program, 'run', '--', process.execPath, '-e', script];
    const child = spawn('python3', [fixture('cli/terminal.py'), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    expect(await text(child.stdout)).toContain('times: 1');
    expect(await ended(child)).toEqual([7, null]);
  });

  test('keeps the port while the program crashes and starts again', async () => {
    // A supervisor in two lines of shell.
    const script = 'for i in 1 2 3; do "$0" -e "$1"; done';
    const serverThatPrints = `require('net').createServer((s) => { s.end('hi'); s.on('close', () => process.abort()); }).listen(process.env.PORT, () => console.log(process.env.PORT))`;
    const child = start(['run', '--', 'sh', '-c', script, process.execPath, serverThatPrints]);
    if (!child.stdout) throw new Error('no stdout');
    const ports = new Set<string>();
    for await (const line of createInterface(child.stdout)) {
      ports.add(line);
      expect(await ask(Number(line))).toBe('hi');
    }
    expect(ports.size).toBe(1);
    await ended(child);
  });

  test(
    'names a stranger on its port, ends the program and exits with 1',
    linuxOnly('proc(5) tells who listens'),
    async () => {
      const script = 'console.log(process.env.PORT); setInterval(() => {}, 1e6)';
      const child = start(['run', '--', process.execPath, '-e', script]);
      const stderr = child.stderr && text(child.stderr);
      const port = await firstLine(child);
      const stranger = spawn('python3', [fixture('reservation/listener.py'), port]);
      onTestFinished(() => {
        stranger.kill();
      });
      expect(await ended(child)).toEqual([1, null]);
      expect(await stderr).toMatch(`bindport: Process ${stranger.pid} (`);
    },
  );

  test('names a stranger that its program has failed for', linuxOnly('proc(5)'), async () => {
    const port = String(freePort());
    const listener = fixture('reservation/listener.py');
    const child = start(['run', '--port', port, '--', 'python3', listener, '{port}', 'wait']);
    const stderr = child.stderr && text(child.stderr);
    const pid = Number(await firstLine(child));
    const stranger = spawn('python3', [listener, port]);
    onTestFinished(() => {
      stranger.kill();
    });
    const lines = createInterface(stranger.stdout)[Symbol.asyncIterator]();
    await lines.next();
    expect((await lines.next()).value).toBe('listening');
    process.kill(pid, 'SIGUSR1');
    expect(await ended(child)).toEqual([1, null]);
    expect(await stderr).toMatch(`bindport: Process ${stranger.pid} (`);
  });

  test('says what to do for a program that does not set SO_REUSEADDR', async () => {
    const stubborn = ['python3', fixture('reservation/stubborn_server.py'), '{port}'];
    const { err, code } = await bindport('run', '--', ...stubborn);
    expect(code).toBe(1);
    expect(err).toContain('bind: Address already in use');
    expect(err).toMatch(/^bindport: python3 exited with status 1 .* port \d+\. .* SO_REUSEADDR: /m);
    // Each way that it names is one of this platform's, and in words of the command line.
    const ways = err.split('SO_REUSEADDR: ')[1] ?? '';
    expect(ways.match(/--\w+/g)).toEqual(isLinux ? ['--guarded', '--activate'] : ['--activate']);
    expect(err).not.toMatch(/pass:|release\(\)/);
  });

  test.each([
    ['that has ended well', ['true']],
    ['that a signal has ended', ['sh', '-c', 'kill $$']],
    ['that was given the socket', ['--activate', '--', 'sh', '-c', 'exit 3']],
  ])('says nothing of a program %s', async (_, command) => {
    expect((await bindport('run', ...command)).err).toBe('');
  });

  test('says nothing of a program that fails once it has listened', async () => {
    const script = `require('net').createServer(() => process.exit(3)).listen(process.env.PORT, '127.0.0.1')`;
    const child = start(['run', '--', process.execPath, '-e', script], {
      env: { ...process.env, NODE_DEBUG: 'bindport' },
    });
    if (!child.stderr) throw new Error('no stderr');
    const told: string[] = [];
    for await (const line of createInterface(child.stderr)) {
      told.push(line);
      const [, port] = /port (\d+): a listener on /.exec(line) ?? [];
      if (port !== undefined) await ask(Number(port)).catch(() => {});
    }
    expect(await ended(child)).toEqual([3, null]);
    expect(told.filter((line) => !line.startsWith('BINDPORT '))).toEqual([]);
    expect(told.length).toBeGreaterThan(2);
  });

  test('passes the socket itself, which nobody else gets', async () => {
    const port = freePort();
    const child = start(
      [
        'run',
        '--activate',
        '--port',
        String(port),
        '--',
        'python3',
        fixture('reservation/inherited_server.py'),
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    // The kernel queues connections from the start; before it there is nobody.
    let answer = '';
    while (answer === '') answer = await ask(port).catch(() => '');
    expect(JSON.parse(answer)).toMatchObject({ pid: true, fds: '1', names: 'tcp' });
    expect(await thieves(port)).toEqual(allRefused);
    child.kill();
    expect(await ended(child)).toEqual([143, null]);
  });

  test('works in a pipeline', async () => {
    const line = 'echo in | "$NODE" "$PROGRAM" run -- sh -c \'cat; echo $PORT\' | cat';
    expect((await shell(line)).out).toMatch(/^in\n\d+\n$/);
    const { err, code } = await shell('"$NODE" "$PROGRAM" run -- yes | head -n 1');
    // `yes` is ended by SIGPIPE, as it is without us.
    expect([err, code]).toEqual(['', 141]);
  });

  test('works in an npm script', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bindport-script-'));
    try {
      const start = `"${process.execPath}" "${program}" run -- sh -c 'echo port $PORT; exit 3'`;
      await writeFile(join(folder, 'package.json'), JSON.stringify({ scripts: { start } }));
      const { out, code } = await shell(`cd '${folder}' && npm start --silent`);
      expect(out).toMatch(/^port \d+$/m);
      expect(code).toBe(3);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('bindport run --strict', unixOnly('its other programs are Unix programs'), () => {
  const printPort = ['--', 'printenv', 'PORT'];

  test('runs the program on that port', async () => {
    const port = String(freePort());
    expect(await bindport('run', '--strict', '--port', port, ...printPort)).toMatchObject({
      out: `${port}\n`,
      err: '',
      code: 0,
    });
  });

  test('names whoever has it, and runs nothing', async () => {
    using taken = reservePort({ port: quietPorts() });
    const port = String(taken.port);
    const { out, err, code } = await bindport('run', '--strict', '--port', port, ...printPort);
    expect([out, code]).toEqual(['', 1]);
    expect(err).toMatch(new RegExp(`^bindport run: bind EADDRINUSE [^ ]*:${port}.*\n$`));
    if (isLinux) expect(err).toContain(`process ${process.pid} (`);
  });

  test('takes the first of several that is free', async () => {
    using taken = reservePort({ port: quietPorts() });
    const free = String(freePort());
    const ports = ['--port', String(taken.port), '--port', free];
    expect((await bindport('run', '--strict', ...ports, ...printPort)).out).toBe(`${free}\n`);
  });

  test('waits for it with --wait, says for whom, and takes it', async () => {
    const taken = reservePort({ port: quietPorts() });
    const port = String(taken.port);
    const wait = ['--strict', '--wait', '25000', '--port', port];
    const child = start(['run', ...wait, ...printPort]);
    if (!child.stdout || !child.stderr) throw new Error('no pipes');
    const [told] = await once(createInterface(child.stderr), 'line');
    expect(told).toMatch(/^bindport: bind EADDRINUSE .*; waiting for up to 25000 ms$/);
    taken.release();
    expect(await text(child.stdout)).toBe(`${port}\n`);
    expect(await ended(child)).toEqual([0, null]);
  });

  test('gives up when the time is over, or when it is told to', async () => {
    using taken = reservePort({ port: quietPorts() });
    const port = String(taken.port);
    const { err, code } = await bindport(
      ...['run', '--strict', '--wait', '1', '--port', port, ...printPort],
    );
    expect(code).toBe(1);
    expect(err.trim().split('\n')).toEqual([
      expect.stringMatching(/^bindport: .*; waiting for up to 1 ms$/),
      expect.stringMatching(/^bindport run: bind EADDRINUSE /),
    ]);
    const child = start(['run', '--strict', '--wait', '25000', '--port', port, ...printPort]);
    if (!child.stderr) throw new Error('no stderr');
    await once(createInterface(child.stderr), 'line');
    child.kill('SIGTERM');
    expect(await ended(child)).toEqual([null, 'SIGTERM']);
  });
});

describe(
  'bindport run --guarded',
  linuxOnly('only Linux answers system calls from outside'),
  () => {
    test('runs a program that does not set SO_REUSEADDR, and nobody else gets the port', async () => {
      const server = fixture('reservation/stubborn_server.py');
      const script = 'echo $PORT; read line; exec python3 "$0" "$PORT"';
      const child = start(['run', '--guarded', '--', 'sh', '-c', script, server], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const port = Number(await firstLine(child));
      expect(await thieves(port)).toEqual(allRefused);
      child.stdin?.end('go\n');
      await expect.poll(() => ask(port).catch(() => 'nobody')).toBe('');
      child.kill('SIGTERM');
      expect(await ended(child)).toEqual([143, null]);
    });

    test.each([
      ['no-such-program', 127],
      [fixture('reservation/thieves.py'), 126],
    ])('exits as without it when %s can not be run', async (command, status) => {
      const { code, err } = await bindport('run', '--guarded', '--', command);
      expect(code).toBe(status);
      expect(err).toMatch(`bindport: ${command}: `);
    });

    test('is another way than --activate', async () => {
      const { code, err } = await bindport('run', '--guarded', '--activate', '--', 'true');
      expect(code).toBe(2);
      expect(err).toContain('--activate passes the socket, --guarded the number: one of them');
    });

    test('says why where it can not be done, here by a guard around it', async () => {
      const { code, err } = await bindport(
        ...['run', '--guarded', '--', process.execPath, program, 'run', '--guarded', '--', 'true'],
      );
      expect(code).toBe(1);
      expect(err).toMatch(/can't be guarded here: seccomp: Device or resource busy/);
    });
  },
);
