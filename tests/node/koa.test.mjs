// Koa: what applications do, and what only Koa has.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';

import Koa from 'koa';

import corsac from '../../bindings/node/index.js';
import { respondAsNode } from './applications.mjs';
import { ORIGIN, OTHER, behaviours, corsOf, varyOf } from './behaviours.mjs';
import { send } from './client.mjs';

const { Policy, PolicyCell } = corsac;

/** Does what an application of behaviours.mjs says, as a middleware of Koa. */
function respond(application, ctx) {
  const { status = 200, headers = [], body = 'ok', append = [], clear, raise, missing, chunks, hints } = application;
  if (missing) return;
  if (hints) ctx.res.writeEarlyHints({ link: '</style.css>; rel=preload' });
  if (clear) for (const name of Object.keys(ctx.response.headers)) ctx.remove(name);
  for (const [name, value] of headers) ctx.set(name, value);
  for (const [name, value] of append) ctx.append(name, value);
  if (raise) throw new Error('raised by the application');
  ctx.body = chunks === undefined ? body : Readable.from(chunks);
  ctx.status = status;
}

async function listen(app) {
  app.silent = true;
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: server.address().port, close: () => new Promise((done) => server.close(done)) };
}

behaviours('koa', {
  can: ['before', 'after', 'append', 'clear', 'raise', 'missing', 'stream', 'hints'],
  start({ application, policy, times, options }) {
    const { before = [], after = [] } = application;
    const app = new Koa();
    for (let time = 0; time < times; time += 1) app.use(corsac.koa(policy, options));
    app.use(async (ctx, next) => {
      for (const [name, value] of before) ctx.set(name, value);
      await next();
      for (const [name, value] of after) ctx.set(name, value);
    });
    app.use((ctx) => respond(application, ctx));
    return listen(app);
  },
}, (options) => new Policy(options));

behaviours('koa, with ctx.respond = false', {
  can: ['before', 'after', 'append', 'clear', 'writeHead', 'raise', 'missing', 'stream', 'hints'],
  start({ application, policy, times, options }) {
    const app = new Koa();
    for (let time = 0; time < times; time += 1) app.use(corsac.koa(policy, options));
    app.use((ctx) => {
      ctx.respond = false;
      respondAsNode(application, ctx.req, ctx.res);
    });
    return listen(app);
  },
}, (options) => new Policy(options));

const policy = new Policy({ allowOrigins: [ORIGIN], allowMethods: ['PUT'] });

/** Starts an app of these middlewares behind corsac, and asks it. */
async function serving(middlewares, use, chosen = policy) {
  const app = new Koa();
  app.use(corsac.koa(chosen));
  for (const middleware of middlewares) app.use(middleware);
  const server = await listen(app);
  try {
    await use((method, target, lines = [`Origin: ${ORIGIN}`]) => send(server.port, method, target, lines), app);
  } finally {
    await server.close();
  }
}

describe('koa', () => {
  const granted = { 'access-control-allow-origin': [ORIGIN] };

  test('covers errors, and the headers that they bring', async () => {
    const failing = (ctx) => {
      ctx.set('Vary', 'Cookie');
      const headers = Object.freeze({ 'Access-Control-Allow-Origin': '*', 'ACCESS-CONTROL-ALLOW-METHODS': 'TRACE', Vary: 'Accept-Encoding', 'X-Mine': 'yes' });
      ctx.throw(418, 'short and stout', { headers });
    };
    await serving([failing], async (ask) => {
      for (const lines of [[`Origin: ${ORIGIN}`], [`Origin: ${OTHER}`], []]) {
        const response = await ask('GET', '/', lines);
        assert.equal(response.status, 418);
        assert.deepEqual(corsOf(response.headers), lines[0] === `Origin: ${ORIGIN}` ? granted : {});
        assert.deepEqual(varyOf(response.headers), ['accept-encoding', 'origin']);
        assert.deepEqual(response.headers['x-mine'], ['yes']);
      }
    });
  });

  test('covers what is no Error, and an error of a middleware outside', async () => {
    await serving([() => Promise.reject('a string')], async (ask) => {
      const response = await ask('GET', '/');
      assert.deepEqual([response.status, corsOf(response.headers), varyOf(response.headers)], [500, granted, ['origin']]);
    });
    const app = new Koa();
    app.use(async (ctx, next) => {
      await next();
      throw new Error('too late');
    });
    app.use(corsac.koa(policy));
    const server = await listen(app);
    try {
      const response = await send(server.port, 'GET', '/', [`Origin: ${ORIGIN}`]);
      assert.deepEqual([response.status, corsOf(response.headers)], [500, granted]);
      const preflight = await send(server.port, 'OPTIONS', '/', [`Origin: ${ORIGIN}`, 'Access-Control-Request-Method: PUT']);
      assert.deepEqual([preflight.status, preflight.body], [204, '']);
    } finally {
      await server.close();
    }
  });

  test('answers preflights before the application, and a middleware outside sees the status', async () => {
    const seen = [];
    const app = new Koa();
    app.use(async (ctx, next) => {
      await next();
      seen.push(ctx.status);
      ctx.set('X-Response-Time', '1');
      ctx.body = 'too late';
    });
    app.use(corsac.koa(policy));
    app.use(() => assert.fail('reached'));
    const server = await listen(app);
    try {
      const response = await send(server.port, 'OPTIONS', '/', [`Origin: ${ORIGIN}`, 'Access-Control-Request-Method: PUT']);
      assert.deepEqual([response.status, response.body, response.headers['content-length']], [204, '', undefined]);
      assert.deepEqual(seen, [204]);
    } finally {
      await server.close();
    }
  });

  test('covers bodies of every kind', async () => {
    const bodies = { '/text': 'text', '/buffer': Buffer.from('text'), '/json': { a: 1 }, '/blob': new Blob(['text']), '/null': null };
    const app = (ctx) => {
      ctx.set('Access-Control-Allow-Origin', '*');
      if (ctx.path === '/response') ctx.body = new Response('text', { headers: { 'Access-Control-Allow-Methods': 'TRACE' } });
      else if (ctx.path === '/web') ctx.body = new Response('text').body;
      else if (ctx.path === '/redirect') ctx.redirect('/text');
      else ctx.body = bodies[ctx.path];
    };
    await serving([app], async (ask) => {
      for (const path of [...Object.keys(bodies), '/response', '/web', '/redirect']) {
        const response = await ask('GET', path);
        assert.deepEqual([corsOf(response.headers), varyOf(response.headers)], [granted, ['origin']], path);
      }
    });
  });

  test('chooses by path prefix, by function of the context and by cell', async () => {
    const cell = new PolicyCell(policy);
    for (const chosen of [{ '/a': cell }, (ctx) => (ctx.path.startsWith('/a') ? cell : null)]) {
      cell.policy = policy;
      await serving([(ctx) => { ctx.body = 'ok'; }], async (ask) => {
        assert.deepEqual(corsOf((await ask('GET', '/a/b?c')).headers), granted);
        assert.deepEqual((await ask('GET', '/b')).headers.vary, undefined);
        cell.policy = new Policy({ allowOrigins: [OTHER] });
        assert.deepEqual(corsOf((await ask('GET', '/a')).headers), {});
      }, chosen);
    }
    assert.throws(() => corsac.koa({ allowOrigins: '*' }), TypeError);
  });
});
