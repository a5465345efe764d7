// Jest: a server of this process for all tests of the file.
const { createServer } = require('node:http');
const { reservePort } = require('bindport');

const reservation = reservePort();
const server = createServer((request, response) => response.end(request.url));

beforeAll(() => reservation.listen(server));
afterAll(async () => {
  server.closeAllConnections();
  await reservation[Symbol.asyncDispose]();
});

test.each(['/one', '/two'])('answers %s', async (path) => {
  const response = await fetch(`http://127.0.0.1:${reservation.port}${path}`);
  expect(await response.text()).toBe(path);
});
