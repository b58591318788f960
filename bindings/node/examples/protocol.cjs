'use strict';
// What the example servers of the frameworks share: their arguments, the policy, one line of JSON per request,
// and the headers of the application. None of it is needed to use corsac.

const { parseArgs } = require('node:util');
const { Policy, PolicyError } = require('corsac');

const { values: args } = parseArgs({
  options: { policy: { type: 'string' }, port: { type: 'string', default: '0' }, framework: { type: 'string' } },
});

/** What every response of the application has. It should not have set the last two. */
const headers = Object.freeze({
  ETag: '"v1"',
  'X-Total-Count': '42',
  'X-Secret': 'hidden',
  'Cache-Control': 'no-store',
  Vary: 'Accept-Encoding',
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'TRACE',
});

/** Reads the policy, or tells everything that is wrong with it and exits. */
function loadPolicy() {
  const file = args.policy;
  try {
    if (file === undefined) throw new Error('usage: SERVER --policy FILE [--port N]');
    return Policy.fromFile(file);
  } catch (error) {
    const problems = error instanceof PolicyError ? error.problems : [];
    const lines = problems.map(({ line, column, code, path, message }) => `${file}:${line}:${column}: ${code}: ${path}: ${message}`);
    console.error(lines.length > 0 ? lines.join('\n') : error.message);
    return process.exit(2);
  }
}

const policy = loadPolicy();

/** Prints where a server listens and what it is asked, and ends it when told to. `close` ends the framework. */
function announce(server, close = () => server.close()) {
  // Before the framework sees the request.
  server.prependListener('request', log);
  const listening = () => process.stdout.write(`listening http://127.0.0.1:${server.address().port}\n`);
  if (server.listening) listening();
  else server.once('listening', listening);
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.on(signal, () => {
      close();
      server.closeAllConnections();
    });
  }
}

function log({ method, url, rawHeaders }) {
  const { kind, action, allowed, reason } = policy.evaluate(method, rawHeaders);
  const lines = (name) => {
    const found = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1].toLowerCase() === name);
    return found.length > 0 ? found.join(', ') : null;
  };
  const entry = {
    method,
    target: url,
    kind,
    action,
    allowed,
    reason,
    origin: lines('origin'),
    request_method: lines('access-control-request-method'),
    request_headers: lines('access-control-request-headers'),
    cookie: lines('cookie'),
  };
  const escape = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  process.stdout.write(`${JSON.stringify(entry).replace(/[^ -~]/g, escape)}\n`);
}

module.exports = { port: Number(args.port), framework: args.framework, policy, headers, announce };
