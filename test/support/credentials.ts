import { readFileSync } from 'node:fs';
import { fixture } from './paths';

function read(name: string): Buffer {
  return readFileSync(fixture(`tls/${name}`));
}

/** A key and its own certificate for localhost, 127.0.0.1 and ::1, valid until 2120. */
export const credentials = { key: read('key.pem'), cert: read('cert.pem') };
