import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import {
  bindPort,
  constants,
  findUnusedPort,
  SocketHandle,
  UnsafeOptionError,
} from '../../../src/index';
import { fixture } from '../../support/paths';
import { type Difference, differences, type Row, rows } from './contract-rows';

/** In the words of test/fixtures/ports/contract.py. */
function failure(error: unknown): object {
  if (error instanceof UnsafeOptionError) return { refused: error.option };
  if (!(error instanceof Error) || !('code' in error)) throw error;
  if (error.code !== 'ERR_INVALID_ARG_VALUE') return { error: error.code };
  return { error: error.message.includes("'host'") ? 'host' : 'argument' };
}

function outcome(run: () => object): object {
  try {
    return run();
  } catch (error) {
    return failure(error);
  }
}

function isPort(port: number): boolean {
  return port > 0 && port < 65536;
}

function open({ family, type, flags = [], set = [], state }: Row): SocketHandle {
  const bits = flags.reduce((all, flag) => all | (constants[flag] ?? 0), 0);
  const handle = new SocketHandle(constants[family], constants[type] | bits);
  for (const option of set) handle.setOption(option, true);
  if (state === 'bound') handle.bind();
  return handle;
}

function bindPortOutcome(row: Row, as: (handle: SocketHandle) => SocketHandle | number): object {
  using handle = open(row);
  const target = as(handle);
  if (row.state === 'closed') handle.close();
  const result = outcome(() => {
    const port = bindPort(target, row.host);
    const local = handle.address();
    return { address: local.address, portIsTheSockets: port === local.port && isPort(port) };
  });
  if (row.state === 'closed' || row.family === 'AF_UNIX') return result;
  return { ...result, bound: handle.bound };
}

function ours(row: Row, as: (handle: SocketHandle) => SocketHandle | number): object {
  if (row.call === 'bind_port') return bindPortOutcome(row, as);
  return outcome(() => ({
    portIsTheSockets: isPort(findUnusedPort(constants[row.family], constants[row.type])),
  }));
}

const answers: unknown = JSON.parse(
  execFileSync('python3', [fixture('ports/contract.py')], {
    input: JSON.stringify(rows),
    encoding: 'utf8',
  }),
);
const theirs: unknown[] = Array.isArray(answers) ? answers : [];

test('CPython answers every row', () => {
  expect(theirs).toHaveLength(rows.length);
});

describe.each([
  {
    given: 'a SocketHandle',
    as: (handle: SocketHandle): SocketHandle | number => handle,
    closed: { error: 'ERR_SOCKET_HANDLE_CLOSED' },
  },
  {
    given: 'a bare descriptor',
    as: (handle: SocketHandle): SocketHandle | number => handle.fd,
    closed: { error: 'EBADF' },
  },
])('with $given', ({ as, closed }) => {
  const all: Difference[] = [
    ...differences,
    {
      clause: 'a closed socket',
      why: 'a handle knows that it is closed; a number has to be asked for',
      cpython: [{ error: 'EBADF' }],
      ours: closed,
    },
  ];

  test.each(rows.map((row, index) => ({ ...row, row, theirs: theirs[index] })))(
    '$call: $clause',
    ({ clause, row, theirs }) => {
      const difference = all.find((known) => known.clause === clause);
      if (difference) expect(difference.cpython).toContainEqual(theirs);
      expect(ours(row, as)).toEqual(difference?.ours ?? theirs);
    },
  );

  test('every difference is of a row', () => {
    const clauses = rows.map(({ clause }) => clause);
    expect(clauses).toEqual(expect.arrayContaining(all.map(({ clause }) => clause)));
    expect(new Set(clauses).size).toBe(clauses.length);
  });
});
