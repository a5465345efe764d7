// Playwright starts the web server itself, by its number. Its workers load this file again: they find
// the port in the environment.
const { defineConfig } = require('@playwright/test');
const { reservePort } = require('bindport');

if (process.env.RESERVED_PORT === undefined) {
  // Reachable for as long as Playwright runs: a reservation that is forgotten is released.
  globalThis.webServerPort = reservePort();
  process.env.RESERVED_PORT = String(globalThis.webServerPort.share());
}
const baseURL = `http://127.0.0.1:${process.env.RESERVED_PORT}`;

module.exports = defineConfig({
  testMatch: '*.spec.cjs',
  reporter: 'line',
  outputDir: '../../.cache/playwright',
  use: { baseURL },
  webServer: { command: `node server.cjs ${process.env.RESERVED_PORT}`, url: baseURL },
});
