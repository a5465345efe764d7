/** Enough to find the place, and a third of the price of the usual ten. */
const FRAMES = 5;

/**
 * The stack from the caller of `entryPoint` on, as text: an Error object would keep what is on the stack
 * from being collected.
 *
 * @param entryPoint the function of this package that was called from outside: its own frame and what it
 *   calls are left out
 */
export function callSite(entryPoint: CallableFunction | NewableFunction): string {
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
