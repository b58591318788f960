// Hono on node: what applications do, and what only Hono has.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';

import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';

import corsac from '../../bindings/node/index.js';
import { ORIGIN, OTHER, behaviours } from './behaviours.mjs';

const { Policy, PolicyCell } = corsac;

async function listen(fetch) {
  const server = serve({ fetch, hostname: '127.0.0.1', port: 0 });
  if (!server.listening) await once(server, 'listening');
  return { port: server.address().port, close: () => new Promise((done) => server.close(done)) };
}

/** Does what an application of behaviours.mjs says, as a handler of Hono. */
function respond(application, c) {
  const { status = 200, headers = [], body = 'ok', append = [], clear, raise, chunks } = application;
  if (clear) for (const name of [...c.res.headers.keys()]) c.header(name, undefined);
  for (const [name, value] of headers) c.header(name, value);
  for (const [name, value] of append) c.header(name, value, { append: true });
  if (raise) throw new Error('raised by the application');
  return c.body(chunks === undefined ? body || null : ReadableStream.from(chunks.map((chunk) => new TextEncoder().encode(chunk))), status);
}

behaviours('hono', {
  can: ['before', 'after', 'append', 'clear', 'raise', 'missing', 'stream'],
  start({ application, policy, times, options }) {
    const { before = [], after = [], missing } = application;
    const app = new Hono();
    app.onError((error, c) => c.text(error.message, 500));
    for (let time = 0; time < times; time += 1) app.use(corsac.hono(policy, options));
    app.use(async (c, next) => {
      for (const [name, value] of before) c.header(name, value);
      await next();
      for (const [name, value] of after) c.header(name, value);
    });
    if (!missing) app.all('/path', (c) => respond(application, c));
    return listen(app.fetch);
  },
}, (options) => new Policy(options));

behaviours('hono, behind the handle of fetch', {
  can: ['before', 'after', 'append', 'clear', 'raise', 'missing', 'stream'],
  start({ application, policy, times, options }) {
    const { before = [], after = [], missing } = application;
    const app = new Hono();
    app.onError((error, c) => c.text(error.message, 500));
    app.use(async (c, next) => {
      for (const [name, value] of before) c.header(name, value);
      await next();
      for (const [name, value] of after) c.header(name, value);
    });
    if (!missing) app.all('/path', (c) => respond(application, c));
    const handles = Array.from({ length: times }, () => corsac.fetch(policy, options));
    return listen(handles.reduce((next, handle) => (request) => handle(request, next), app.fetch));
  },
}, (options) => new Policy(options));

describe('hono', () => {
  const policy = new Policy({ allowOrigins: [ORIGIN], allowMethods: ['PUT'], exposeHeaders: ['etag'] });
  const ask = (app, path = '/', init = {}) => app.request(path, { ...init, headers: { origin: ORIGIN, ...init.headers } });

  test('covers thrown errors, the one of Hono and its response among them, and not found', async () => {
    const app = new Hono();
    app.use(corsac.hono(policy));
    app.onError((error, c) => (error instanceof HTTPException ? error.getResponse() : c.text('error', 500)));
    app.notFound((c) => c.text('nothing', 404, { 'Access-Control-Allow-Origin': '*' }));
    app.get('/error', () => { throw new Error('x'); });
    const teapot = new Response('short', { status: 418, headers: { 'access-control-allow-origin': '*', vary: 'Cookie' } });
    app.get('/http', () => { throw new HTTPException(418, { res: teapot }); });
    for (const [path, status, vary] of [['/error', 500, 'Origin'], ['/http', 418, 'Cookie, Origin'], ['/missing', 404, 'Origin']]) {
      const response = await ask(app, path);
      assert.deepEqual([response.status, response.headers.get('access-control-allow-origin'), response.headers.get('vary')], [status, ORIGIN, vary]);
    }
    assert.equal(teapot.headers.get('access-control-allow-origin'), '*');
  });

  test('takes responses that are immutable or used again', async () => {
    const app = new Hono();
    app.use(corsac.hono(policy));
    const redirect = Response.redirect('https://app.example.com/landed', 307);
    app.get('/redirect', () => redirect);
    for (let round = 0; round < 2; round += 1) {
      const response = await ask(app, '/redirect');
      assert.deepEqual([response.status, response.headers.get('location')], [307, 'https://app.example.com/landed']);
      assert.equal(response.headers.get('access-control-allow-origin'), ORIGIN);
    }
    assert.deepEqual([...redirect.headers.keys()], ['location']);
  });

  test('keeps cookies apart, and what other middlewares set', async () => {
    const app = new Hono();
    app.use(async (c, next) => {
      await next();
      c.res.headers.set('X-Outside', 'yes');
      c.res.headers.append('Set-Cookie', 'c=3');
    });
    app.use(corsac.hono(policy));
    app.get('/', (c) => {
      c.header('Set-Cookie', 'a=1', { append: true });
      c.header('Set-Cookie', 'b=2', { append: true });
      return c.json({ ok: true });
    });
    const response = await ask(app);
    assert.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2', 'c=3']);
    assert.deepEqual([response.headers.get('x-outside'), response.headers.get('content-type')], ['yes', 'application/json']);
    assert.deepEqual(await response.json(), { ok: true });
  });

  test('answers preflights of every path, and of the path that it is mounted at only', async () => {
    const app = new Hono();
    app.use('/api/*', corsac.hono(policy));
    app.put('/api/x', (c) => c.text('reached'));
    const preflight = { method: 'OPTIONS', headers: { 'access-control-request-method': 'PUT' } };
    for (const path of ['/api/x', '/api/missing']) assert.equal((await ask(app, path, preflight)).status, 204);
    assert.equal((await ask(app, '/outside', preflight)).status, 404);
    const head = await ask(app, '/api/x', { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers.get('access-control-allow-origin')], [404, ORIGIN]);
  });

  test('chooses by path prefix, by function of the context and by cell', async () => {
    const cell = new PolicyCell(policy);
    for (const chosen of [{ '/a': cell }, (c) => (c.req.path.startsWith('/a') ? cell : null)]) {
      cell.policy = policy;
      const app = new Hono();
      app.use(corsac.hono(chosen));
      assert.equal((await ask(app, '/a/b?c')).headers.get('access-control-allow-origin'), ORIGIN);
      assert.equal((await ask(app, '/b')).headers.get('vary'), null);
      cell.policy = new Policy({ allowOrigins: [OTHER] });
      assert.equal((await ask(app, '/a')).headers.get('access-control-allow-origin'), null);
    }
    assert.throws(() => corsac.hono(policy, { onError: () => {} }), TypeError);
  });
});
