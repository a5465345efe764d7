// Mocha: a program that is started anew for each test, always on the same port.
const assert = require('node:assert');
const { once } = require('node:events');
const { reservePort } = require('bindport');

describe('a program that is restarted', () => {
  const script = 'require("http").createServer((q, a) => a.end("hi")).listen(process.argv[1])';
  let reservation;
  let program;

  before(() => {
    reservation = reservePort();
  });
  beforeEach(async () => {
    program = reservation.spawn(process.execPath, ['-e', script, '{port}']);
    await reservation.ready();
  });
  afterEach(async () => {
    program.kill();
    await once(program, 'exit');
  });
  after(() => reservation.release());

  for (const round of ['first', 'second']) {
    it(`answers the ${round} time`, async () => {
      const response = await fetch(`http://127.0.0.1:${reservation.port}`);
      assert.equal(await response.text(), 'hi');
    });
  }
});
