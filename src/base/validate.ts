import { invalidArgType, outOfRange } from './errors';
import { maxDescriptor } from './platform';

const INT32_MIN = -0x80000000;
const INT32_MAX = 0x7fffffff;

/** Milliseconds that a timer can wait. */
export const MAX_TIMEOUT = INT32_MAX;

/** Refuses anything but an integer of `min` to `max`, both included. Never coerces. */
export function integer(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value);
  if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value);
  if (value < min || value > max) throw outOfRange(name, `>= ${min} && <= ${max}`, value);
  return value;
}

export function int32(name: string, value: unknown): number {
  return integer(name, value, INT32_MIN, INT32_MAX);
}

export function descriptor(name: string, value: unknown): number {
  return integer(name, value, 0, maxDescriptor);
}

export function port(name: string, value: unknown): number {
  return integer(name, value, 0, 65535);
}

/** The number of a process, of which there is no 0. */
export function processId(name: string, value: unknown): number {
  return integer(name, value, 1, INT32_MAX);
}

export function backlog(value: unknown): number {
  return integer('backlog', value, 0, INT32_MAX);
}

/** Refuses null and what is no object, for options that are read by name. */
export function object<Options>(name: string, options: Options): Options {
  if (typeof options === 'object' && options !== null) return options;
  throw invalidArgType(name, 'of type object', options);
}

export function abortSignal(name: string, value: unknown): void {
  if (value !== undefined && !(value instanceof AbortSignal)) {
    throw invalidArgType(name, 'an instance of AbortSignal', value);
  }
}

export function text(name: string, value: unknown): string {
  if (typeof value !== 'string') throw invalidArgType(name, 'of type string', value);
  return value;
}

export function boolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalidArgType(name, 'of type boolean', value);
  return value;
}
