import { debug } from './debug';

/** Enough to find the place, and a third of the price of the usual ten. */
const FRAMES = 5;

/** A place costs as much as opening a socket does three times, so only who looks for one has them recorded. */
const recording = debug.enabled === true || Reflect.get(process, 'traceProcessWarnings') === true;

/**
 * The stack from the caller of `entryPoint` on, as text: an Error object would keep what is on the stack
 * from being collected. Undefined without NODE_DEBUG=bindport and `--trace-warnings`.
 *
 * @param entryPoint the function of this package that was called from outside: its own frame and what it
 *   calls are left out
 */
export function callSite(entryPoint: CallableFunction | NewableFunction): string | undefined {
  return recording ? stackOf(entryPoint) : undefined;
}

/** What a warning says of a place: where, or how to have it recorded. */
export function toldPlace(what: string, place: string | undefined): string {
  return place === undefined
    ? `Start Node with --trace-warnings, or with NODE_DEBUG=bindport, to see where it was ${what}`
    : `It was ${what} at:\n${place}`;
}

function stackOf(entryPoint: CallableFunction | NewableFunction): string {
  const place: { stack?: unknown } = {};
  const { stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = FRAMES;
    try {
      Error.captureStackTrace(place, entryPoint);
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
    return typeof place.stack === 'string' ? place.stack.replace(/^.*\n/, '') : '';
  } catch {
    // The program's own Error.prepareStackTrace threw, or it froze Error: no reason to lose a socket.
    return '';
  }
}
