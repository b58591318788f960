// node:http, with the Express adapter as the one thing in front of the application.

import { createServer } from 'node:http';
import { once } from 'node:events';

import corsac from '../../bindings/node/index.js';
import { behaviours } from './behaviours.mjs';
import { respondAsNode } from './applications.mjs';

/** Starts a server of node:http with middlewares in front of a handler. */
async function start({ application, policy, times, options }) {
  const middlewares = Array.from({ length: times }, () => corsac.express(policy, options));
  const server = createServer((req, res) => {
    let index = 0;
    const next = (error) => {
      if (error) throw error;
      if (index < middlewares.length) middlewares[index++](req, res, next);
      else respondAsNode(application, req, res);
    };
    next();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: server.address().port, close: () => new Promise((done) => server.close(done)) };
}

behaviours('node:http', { start, can: ['before', 'append', 'clear', 'writeHead', 'raise', 'missing', 'stream', 'hints', 'after'] }, (options) => new corsac.Policy(options));
