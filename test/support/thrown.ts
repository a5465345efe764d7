import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

function asError(error: unknown): Error {
  if (error instanceof Error) return error;
  throw new TypeError(`not an Error: ${String(error)}`);
}

/** The Error that `run` throws; an Error of its own when it throws none. */
export function thrown(run: () => unknown): Error {
  let result: unknown;
  try {
    result = run();
  } catch (error) {
    return asError(error);
  }
  throw new Error(`nothing was thrown; returned ${String(result)}`);
}

/** The Error that the promise rejects with; an Error of its own when it is fulfilled. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  let result: unknown;
  try {
    result = await promise;
  } catch (error) {
    return asError(error);
  }
  throw new Error(`was not rejected; fulfilled with ${String(result)}`);
}

/** libuv's number for an error's name; where libuv has none, the C library's, negative. */
export function errnoOf(code: string): number {
  for (const [errno, [name]] of getSystemErrorMap()) if (name === code) return errno;
  const found = Object.entries(constants.errno).find(([name]) => name === code);
  if (found === undefined) throw new Error(`no error is called ${code}`);
  return -found[1];
}

/** What a system error must carry. */
export function systemErrorLike(syscall: string, code: string) {
  return { name: 'Error', syscall, code, errno: errnoOf(code) };
}
