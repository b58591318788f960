// However a path is written, the policy that decides is the one of the prefix that the application serves: of each
// spelling for which a framework serves what is below `/admin`, the page that may read everything else gets nothing.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { serve } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import connect from 'connect';
import express4 from 'express4';
import express5 from 'express5';
import Fastify from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';

import corsac from '../../bindings/node/index.js';
import { send } from './client.mjs';

const { Policy } = corsac;
const PAGE = 'https://page.example';
const open = new Policy({ allowOrigins: '*' });
const prefixes = { '/': open, '/admin': new Policy({ allowOrigins: ['https://admin.example'] }), '/admin/open': open };
const SECRET = 'the secret';

const targets = [
  '/admin/x', '/ADMIN/x', '//admin/x', '/./admin/x', '/.//admin/x', '/%2e/admin/x', '/y/../admin/x', '/y/..%2fadmin/x', '/%61dmin/x', '/admin%2Fx',
  '/admin;y', '/admin;y/x', '/admin?x', '/admin/x/', '//y/admin/x', '/\\y/admin/x', '/admin\\x', '/\\admin/x',
  'http://h/admin/x', 'HTTP://h/admin/x', 'http://h\\admin/x', '/rewritten/x', '/admin.x', '/admin/open/..%2fx', '/admin/open/%2e%2e%5cx', '/admin/open/../x',
];

let folder;
before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'corsac-'));
  await mkdir(path.join(folder, 'admin'));
  await writeFile(path.join(folder, 'admin/x'), SECRET);
});
after(() => rm(folder, { recursive: true }));

async function listening(server) {
  if (!server.listening) server.listen(0, '127.0.0.1');
  if (!server.listening) await once(server, 'listening');
  return server;
}

async function fastify(routerOptions = {}, options = {}) {
  const app = Fastify({ routerOptions, ...options });
  await app.register(corsac.fastify, { policy: prefixes });
  app.get('/admin/x', () => SECRET);
  app.get('/admin', () => SECRET);
  await app.listen({ port: 0, host: '127.0.0.1' });
  return app.server;
}

const rewriteUrl = ({ url }) => url.replace('/rewritten', '/admin');

/** By name: starts a server, and the spellings for which it is known to serve the secret. */
const servers = {
  'node:http with URL': [
    () => createServer((req, res) => corsac.express(prefixes)(req, res, () => res.end(new URL(req.url, 'http://h').pathname === '/admin/x' ? SECRET : ''))),
    ['//y/admin/x', '/\\y/admin/x', '/%2e/admin/x', '/admin\\x'],
  ],
  ...Object.fromEntries(Object.entries({ 'Express 4': express4, 'Express 5': express5 }).map(([name, express]) => [
    name,
    [
      () => {
        const app = express().use(corsac.express(prefixes));
        return createServer(app.get('/admin/x', (req, res) => res.send(SECRET)).use(express.static(folder)));
      },
      ['/ADMIN/x', '//admin/x', '/y/..%2fadmin/x', '/admin/open/..%2fx', '/%61dmin/x', '/admin%2Fx'],
    ],
  ])),
  Connect: [
    () => createServer(connect().use(corsac.express(prefixes)).use('/admin', (req, res) => res.end(SECRET)).use((req, res) => res.end())),
    ['/ADMIN/x', '/admin.x'],
  ],
  Fastify: [() => fastify(), ['/%61dmin/x']],
  'Fastify with a generous router': [
    () => fastify({ caseSensitive: false, ignoreDuplicateSlashes: true, ignoreTrailingSlash: true, useSemicolonDelimiter: true }),
    ['/ADMIN/x', '//admin/x', '/%61dmin/x', '/admin;y'],
  ],
  'Fastify with rewriteUrl': [() => fastify({}, { rewriteUrl }), ['/rewritten/x']],
  Koa: [() => createServer(new Koa().use(corsac.koa(prefixes)).use((ctx) => (ctx.body = /^\/admin(\/|$)/i.test(ctx.path) ? SECRET : '')).callback()), ['/ADMIN/x']],
  Hono: [
    () => {
      const app = new Hono().use(corsac.hono(prefixes)).get('/admin/x', (c) => c.text(SECRET));
      return serve({ fetch: app.use('*', serveStatic({ root: folder })).fetch, port: 0, hostname: '127.0.0.1' });
    },
    ['/%61dmin/x'],
  ],
};

for (const [name, [start, known]] of Object.entries(servers)) {
  test(`${name}: however the path is written`, { timeout: 60_000 }, async () => {
    const server = await listening(await start());
    try {
      const ask = (target, origin) => send(server.address().port, 'GET', target, [`Origin: ${origin}`]);
      const served = [];
      for (const target of targets) {
        const { body, headers } = await ask(target, PAGE);
        if (!body.includes(SECRET)) continue;
        served.push(target);
        assert.deepEqual([target, headers['access-control-allow-origin']], [target, undefined]);
      }
      for (const target of known) assert.ok(served.includes(target), target);
      const own = await ask('/admin/x', 'https://admin.example');
      assert.deepEqual([own.body, own.headers['access-control-allow-origin']], [SECRET, ['https://admin.example']]);
      assert.deepEqual((await ask('/other', PAGE)).headers['access-control-allow-origin'], ['*']);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
}
