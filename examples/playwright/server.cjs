const { createServer } = require('node:http');

createServer((_, response) => response.end('hello')).listen(Number(process.argv[2]));
