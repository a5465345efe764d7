import { connectAddress, isIpv6 } from '../base/addresses';
import { invalidArgValue } from '../base/errors';
import { text } from '../base/validate';

/** RFC 3986, section 3.1; with the colon that URL's `protocol` has, or without. */
const SCHEME = /^[a-z][a-z0-9+.-]*:?$/i;

/** The address as the host of a URL: RFC 3986, section 3.2.2, and for a zone RFC 6874, section 2. */
function hostOf(address: string): string {
  const host = connectAddress(address);
  return isIpv6(host) ? `[${host.replace('%', '%25')}]` : host;
}

/** The URL of a port on an address, or on `'localhost'`. */
export function urlOf(host: string, port: number, protocol: string, path: string): string {
  if (!SCHEME.test(text('protocol', protocol))) {
    throw invalidArgValue('protocol', "must be a URL's scheme, such as 'https'", protocol);
  }
  if (!/^([/?#]|$)/.test(text('path', path))) {
    throw invalidArgValue('path', "must be empty or begin with '/', '?' or '#'", path);
  }
  return `${protocol.replace(':', '')}://${hostOf(host)}:${port}${path}`;
}
