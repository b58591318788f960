'use strict';
// A server of node:http with a CORS policy: node server.cjs --policy FILE [--port N]

const http = require('node:http');
const corsac = require('corsac');
const { announce, headers, policy, port } = require('./protocol.cjs');

const cors = corsac.express(policy);

// It answers preflights itself, and sees to the headers of whatever the application responds.
const server = http.createServer((req, res) => cors(req, res, () => application(req, res)));

/** It knows nothing of CORS, and has set headers of CORS all the same. */
async function application(req, res) {
  const [path] = req.url.split('?');
  const status = /^\/status\/([2-5]\d\d)$/.exec(path);
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  if (path === '/redirect') {
    res.writeHead(302, { Location: '/landed' }).end();
    return;
  }
  res.statusCode = status ? Number(status[1]) : 200;
  res.setHeader('Content-Type', 'application/json');
  if (path === '/stream') {
    for (const chunk of ['{"ok":true,', '"server":']) await new Promise((done) => res.write(chunk, done));
    res.end('"node"}');
  } else {
    res.end('{"ok":true,"server":"node"}');
  }
}

announce(server.listen(port, '127.0.0.1'));
