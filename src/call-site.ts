/**
 * Where the caller of `below` stands, as text: an Error object would keep what is on the stack from
 * being collected.
 */
export function callSite(below: CallableFunction | NewableFunction): string {
  const place: { stack?: string } = {};
  Error.captureStackTrace(place, below);
  return place.stack?.replace(/^.*\n/, '') ?? '';
}
