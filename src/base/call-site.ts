/** Enough to find the place, and a third of the price of the usual ten. */
const FRAMES = 5;

/**
 * Where the caller of `below` stands, as text: an Error object would keep what is on the stack from
 * being collected.
 */
export function callSite(below: CallableFunction | NewableFunction): string {
  const place: { stack?: unknown } = {};
  const { stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = FRAMES;
    try {
      Error.captureStackTrace(place, below);
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
    return typeof place.stack === 'string' ? place.stack.replace(/^.*\n/, '') : '';
  } catch {
    // The program's own Error.prepareStackTrace threw, or it froze Error: no reason to lose a socket.
    return '';
  }
}
