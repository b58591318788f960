'use strict';
// An HTTP server with a CORS policy: node server.cjs --policy FILE [--port N]
//
// Evaluate each request, answer it if the decision says so, and apply the decision's header edits to
// every response, errors included. It prints one line of JSON per request.

const http = require('node:http');
const { parseArgs } = require('node:util');
const { Policy, PolicyError } = require('corsac');
const { apply } = require('./apply.cjs');

const { values: args } = parseArgs({ options: { policy: { type: 'string' }, port: { type: 'string', default: '0' } } });
const policy = loadPolicy(args.policy);

const server = http.createServer((req, res) => {
  // rawHeaders, since req.headers joins repeated lines or drops them.
  const decision = policy.evaluate(req.method, req.rawHeaders);
  log(req, decision);
  if (decision.action === 'respond') {
    res.statusCode = decision.status;
    apply(decision.headers, res);
    res.end(); // Content-Length: 0, or none with 204
  } else {
    const parts = application(req, res);
    apply(decision.headers, res);
    for (const part of parts.slice(0, -1)) res.write(part);
    res.end(parts.at(-1));
  }
});

/** Sets status and headers, and gives the parts of the body. It knows nothing of CORS, and has set headers of CORS all the same. */
function application(req, res) {
  const path = req.url.split('?')[0];
  const status = /^\/status\/([2-5]\d\d)$/.exec(path);
  res.statusCode = status ? Number(status[1]) : 200;
  res.setHeader('Content-Type', 'application/json');
  res.setHeader('ETag', '"v1"');
  res.setHeader('X-Total-Count', '42');
  res.setHeader('X-Secret', 'hidden');
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('Vary', 'Accept-Encoding');
  res.setHeader('Access-Control-Allow-Origin', '*');
  res.setHeader('Access-Control-Allow-Methods', 'TRACE');
  if (path === '/redirect') {
    res.statusCode = 302;
    res.setHeader('Location', '/landed');
  }
  const parts = ['{"ok":true,', '"server":', '"node"}'];
  return path === '/stream' ? parts : [parts.join('')];
}

/** Reads the policy, or tells everything that is wrong with it and exits. */
function loadPolicy(file) {
  try {
    if (file === undefined) throw new Error('usage: server.cjs --policy FILE [--port N]');
    return Policy.fromFile(file);
  } catch (error) {
    const problems = error instanceof PolicyError ? error.problems : [];
    const lines = problems.map(({ line, column, code, path, message }) => `${file}:${line}:${column}: ${code}: ${path}: ${message}`);
    console.error(lines.length > 0 ? lines.join('\n') : error.message);
    process.exit(2);
  }
}

function log(req, { kind, action, allowed, reason }) {
  const entry = {
    method: req.method,
    target: req.url,
    kind,
    action,
    allowed,
    reason,
    origin: lines(req, 'origin'),
    request_method: lines(req, 'access-control-request-method'),
    request_headers: lines(req, 'access-control-request-headers'),
    cookie: lines(req, 'cookie'),
  };
  const escape = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  process.stdout.write(`${JSON.stringify(entry).replace(/[^ -~]/g, escape)}\n`);
}

/** The lines of a request header, joined; null if there is none. */
function lines(req, name) {
  const found = req.rawHeaders.filter((_, index, all) => index % 2 === 1 && all[index - 1].toLowerCase() === name);
  return found.length > 0 ? found.join(', ') : null;
}

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    server.close();
    server.closeAllConnections();
  });
}

server.listen(Number(args.port), '127.0.0.1', () => {
  process.stdout.write(`listening http://127.0.0.1:${server.address().port}\n`);
});
