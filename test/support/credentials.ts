import { readFileSync } from 'node:fs';
import { join } from 'node:path';

function read(name: string): Buffer {
  return readFileSync(join(__dirname, '..', 'fixtures', 'tls', name));
}

/** A key and its own certificate for localhost, 127.0.0.1 and ::1, valid until 2120. */
export const credentials = { key: read('key.pem'), cert: read('cert.pem') };
