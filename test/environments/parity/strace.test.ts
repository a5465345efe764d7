import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fixture } from '../../support/paths';

const CALLS = 'socket,getsockopt,setsockopt,bind,getsockname,close';
const MARK = /^close\(987654321\)/;

/** What each thread of a program called between two marks; threads without marks are left out. */
function traced(command: string, script: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'bindport-strace-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  // -ff writes a file per thread: no call is cut in two by another thread's.
  execFileSync('strace', [
    ...['-f', '-ff', '-o', join(folder, 'thread'), '-e', `trace=${CALLS}`, '-e', 'signal=none'],
    ...[command, fixture(script)],
  ]);
  const threads = readdirSync(folder)
    .map((file) => readFileSync(join(folder, file), 'utf8').split('\n'))
    .filter((lines) => lines.some((line) => MARK.test(line)));
  expect(threads).toHaveLength(1);
  const lines = threads[0] ?? [];
  const marks = lines.flatMap((line, index) => (MARK.test(line) ? [index] : []));
  expect(marks).toHaveLength(2);
  return lines.slice((marks[0] ?? 0) + 1, marks[1]);
}

/** The descriptor's number and the port differ from run to run. */
function normalized(line: string): string {
  return line
    .replace(/^(socket\(.*) = \d+$/, '$1 = FD')
    .replace(/^(getsockopt|bind|getsockname|close)\(\d+/, '$1(FD')
    .replace(/(getsockname\(.*)htons\(\d+\)/, '$1htons(PORT)')
    .replace(/\s+= /, ' = ');
}

test("findUnusedPort() makes the system calls of CPython's find_unused_port(), no more", () => {
  const ours = traced(process.execPath, 'ports/find-unused-port.cjs').map(normalized);
  const theirs = traced('python3', 'ports/find-unused-port.py').map(normalized);
  expect(ours).toEqual(theirs);
  // And neither is empty, nor is the normalization too broad.
  const address = 'sin_addr=inet_addr("127.0.0.1")';
  expect(ours).toEqual([
    'socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = FD',
    'getsockopt(FD, SOL_SOCKET, SO_REUSEADDR, [0], [4]) = 0',
    'getsockopt(FD, SOL_SOCKET, SO_REUSEPORT, [0], [4]) = 0',
    `bind(FD, {sa_family=AF_INET, sin_port=htons(0), ${address}}, 16) = 0`,
    `getsockname(FD, {sa_family=AF_INET, sin_port=htons(PORT), ${address}}, [16]) = 0`,
    'close(FD) = 0',
  ]);
});
