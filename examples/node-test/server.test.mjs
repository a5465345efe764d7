// node:test: one port for the whole file; each test has a server of its own on it.
import assert from 'node:assert';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { reservePort } from 'bindport';

const reservation = reservePort();
after(() => reservation.release());

for (const greeting of ['hello', 'good bye']) {
  test(`says ${greeting}`, async () => {
    const server = createServer((_, response) => response.end(greeting));
    await reservation.listen(server);
    const response = await fetch(`http://${reservation.host}:${reservation.port}`);
    assert.equal(await response.text(), greeting);
    server.closeAllConnections();
    server.close();
  });
}
