// node:http, with the Express adapter as the one thing in front of the application.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';

import corsac from '../../bindings/node/index.js';
import response from '../../bindings/node/lib/response.js';
import { ORIGIN, behaviours } from './behaviours.mjs';
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

test('a 101 that an application writes by hand is left alone', async () => {
  const policy = new corsac.Policy({ allowOrigins: [ORIGIN] });
  for (const head of [[], [{ Upgrade: 'x', 'Access-Control-Allow-Origin': 'mine' }], [['Upgrade', 'x', 'Access-Control-Allow-Origin', 'mine']]]) {
    const handle = corsac.express(policy);
    const server = createServer((req, res) => handle(req, res, () => {
      res.writeHead(101, ...head);
      res.end();
    }));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = net.connect(server.address().port, '127.0.0.1');
    socket.write(`GET / HTTP/1.1\r\nHost: a\r\nOrigin: ${ORIGIN}\r\n\r\n`);
    const [answer] = await once(socket, 'data');
    socket.destroy();
    server.closeAllConnections();
    server.close();
    assert.match(answer.toString(), /^HTTP\/1\.1 101 /);
    assert.doesNotMatch(answer.toString(), /Vary|app\.example/);
    assert.equal(answer.includes('mine'), head.length > 0);
  }
});

test('requests on one connection do not know of each other', async () => {
  const server = createServer((req, res) => corsac.express(new corsac.Policy({ allowOrigins: [ORIGIN] }))(req, res, () => res.end('ok')));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = net.connect(server.address().port, '127.0.0.1');
  const ask = (origin, connection) => `GET / HTTP/1.1\r\nHost: a\r\nConnection: ${connection}\r\n${origin}\r\n`;
  socket.write(ask(`Origin: ${ORIGIN}\r\n`, 'keep-alive') + ask('Origin: https://evil.test\r\n', 'keep-alive') + ask(`Origin: ${ORIGIN}\r\n`, 'keep-alive') + ask('', 'close'));
  const answers = Buffer.concat(await socket.toArray()).toString().split('HTTP/1.1 200 OK').slice(1);
  server.close();
  assert.deepEqual(answers.map((answer) => answer.includes(`Access-Control-Allow-Origin: ${ORIGIN}`)), [true, false, true, false]);
  assert(answers.every((answer) => answer.match(/^Vary: Origin\r$/gm).length === 1));
});

test('the quick way is taken where it is known', () => {
  const known = ['20', '22', '24'].includes(process.versions.node.split('.')[0]) && process.env.CORSAC_NODE_INTERNALS !== 'off';
  assert.equal(response.STORE !== null, known);
});
