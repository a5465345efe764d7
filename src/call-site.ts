/** Enough to find the place, and a third of the price of the usual ten. */
const FRAMES = 5;

/**
 * Where the caller of `below` stands, as text: an Error object would keep what is on the stack from
 * being collected.
 */
export function callSite(below: CallableFunction | NewableFunction): string {
  const place: { stack?: string } = {};
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = FRAMES;
  Error.captureStackTrace(place, below);
  Error.stackTraceLimit = stackTraceLimit;
  return place.stack?.replace(/^.*\n/, '') ?? '';
}
