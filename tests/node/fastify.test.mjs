// Fastify 5: what applications do, in each way of installing the plugin, and what only Fastify has.

import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, test } from 'node:test';

import Fastify from 'fastify';

import corsac from '../../bindings/node/index.js';
import { ORIGIN, OTHER, behaviours, corsOf, varyOf } from './behaviours.mjs';
import { respondAsFastify } from './fastify-application.mjs';

const { Policy, PolicyCell } = corsac;

/** Adds what the application has to an instance; its hooks come behind those of corsac. */
function addApplication(instance, application, config) {
  const { before = [], after = [], missing } = application;
  if (before.length > 0) {
    instance.addHook('preHandler', async (request, reply) => {
      for (const [name, value] of before) reply.header(name, value);
    });
  }
  if (after.length > 0) {
    instance.addHook('onSend', async (request, reply) => {
      for (const [name, value] of after) reply.header(name, value);
    });
  }
  if (!missing) instance.all('/path', { config }, (request, reply) => respondAsFastify(application, reply));
}

async function listen(app) {
  await app.listen({ host: '127.0.0.1', port: 0 });
  return { port: app.server.address().port, close: () => app.close() };
}

const CAN = ['before', 'after', 'append', 'clear', 'writeHead', 'raise', 'stream', 'hints'];
const makePolicy = (options) => new Policy(options);
/** A policy that would show. */
const wrong = new Policy({ allowOrigins: [OTHER], maxAge: 1 });

behaviours('fastify', {
  can: [...CAN, 'missing'],
  async start({ application, policy, times, options }) {
    const app = Fastify();
    for (let time = 0; time < times; time += 1) await app.register(corsac.fastify, { policy, ...options });
    addApplication(app, application);
    return listen(app);
  },
}, makePolicy);

behaviours('fastify, an instance of its own', {
  can: CAN,
  async start({ application, policy, times, options }) {
    const app = Fastify();
    await app.register(corsac.fastify, { policy: wrong });
    await app.register(async (instance) => {
      for (let time = 0; time < times; time += 1) await instance.register(corsac.fastify, { policy, ...options });
      addApplication(instance, application);
    });
    return listen(app);
  },
}, makePolicy);

behaviours('fastify, a policy of the route', {
  can: CAN,
  async start({ application, policy, times, options }) {
    const app = Fastify();
    for (let time = 0; time < times; time += 1) await app.register(corsac.fastify, { policy: wrong, ...options });
    addApplication(app, application, { corsac: policy });
    return listen(app);
  },
}, makePolicy);

const first = new Policy({ allowOrigins: ['https://first.example'], allowMethods: ['PUT', 'DELETE'] });
const second = new Policy({ allowOrigins: ['https://second.example'], allowMethods: ['PUT', 'DELETE'] });

/** Asks an app, and gives who is allowed: `first`, `second`, both joined, or nobody, and the status. */
async function ask(app, method, url, requested) {
  const allowed = [];
  let status;
  for (const name of ['first', 'second']) {
    const origin = `https://${name}.example`;
    const headers = requested === undefined ? { origin } : { origin, 'access-control-request-method': requested };
    const response = await app.inject({ method, url, headers });
    if (response.headers['access-control-allow-origin'] === origin) allowed.push(name);
    // Of the one that is allowed, if one is.
    if (status === undefined || allowed.at(-1) === name) status = response.statusCode;
  }
  return [allowed.join(' and ') || 'nobody', status];
}

const preflight = (app, url, requested) => ask(app, 'OPTIONS', url, requested);

describe('fastify: preflights', () => {
  test('are answered for every path, with a route or without', async () => {
    const app = Fastify();
    await app.register(corsac.fastify, { policy: first });
    app.put('/with/:id', async () => 'ok');
    assert.deepEqual(await preflight(app, '/with/5', 'PUT'), ['first', 204]);
    assert.deepEqual(await preflight(app, '/without', 'PUT'), ['first', 204]);
    assert.deepEqual(await ask(app, 'GET', '/without'), ['first', 404]);
  });

  test('do not meet OPTIONS routes of the application, added before or after the others, at the same place or for all', async () => {
    for (const order of ['before', 'after']) {
      for (const url of ['/item/:id', '*', '/item/*']) {
        const app = Fastify();
        await app.register(corsac.fastify, { policy: first });
        const options = () => app.options(url, async () => 'of the application');
        if (order === 'before') options();
        app.put('/item/:id', { config: { corsac: second } }, async () => 'ok');
        app.delete('/item/:id', { config: { corsac: first } }, async () => 'ok');
        if (order === 'after') options();
        const where = `${url} ${order}`;
        assert.deepEqual(await preflight(app, '/item/5', 'PUT'), ['second', 204], where);
        assert.deepEqual(await preflight(app, '/item/5', 'DELETE'), ['first', 204], where);
        assert.deepEqual(await ask(app, 'OPTIONS', '/item/5'), ['first', 200], where);
        assert.equal((await app.inject({ method: 'OPTIONS', url: '/item/5' })).payload, 'of the application', where);
      }
    }
  });

  test('for a route that is left alone go to the OPTIONS route at the same place', async () => {
    for (const order of ['before', 'after']) {
      const app = Fastify();
      await app.register(corsac.fastify, { policy: first });
      const options = () => app.options('/item/:id', async () => 'of the application');
      if (order === 'before') options();
      app.put('/item/:id', { config: { corsac: false } }, async () => 'ok');
      if (order === 'after') options();
      const headers = { origin: 'https://first.example', 'access-control-request-method': 'PUT' };
      const { statusCode, payload, headers: answer } = await app.inject({ method: 'OPTIONS', url: '/item/5', headers });
      assert.deepEqual([statusCode, payload, answer.vary], [200, 'of the application', undefined], order);
    }
  });

  test('follow the route that they ask for', async () => {
    const app = Fastify();
    await app.register(corsac.fastify, { policy: first });
    app.put('/a', { config: { corsac: second } }, async () => 'ok');
    app.route({ method: ['DELETE', 'POST'], url: '/a', config: { corsac: null }, handler: async () => 'ok' });
    app.get('/b', { config: { corsac: false } }, async () => 'ok');
    app.get('/c', { config: { corsac: new PolicyCell(second) } }, async () => 'ok');
    app.get('/d', { config: { corsac: (request) => (request.headers['x-tenant'] === undefined ? second : first) } }, async () => 'ok');
    app.get('/e', { config: { corsac: { '/e': second } } }, async () => 'ok');
    assert.deepEqual(await preflight(app, '/a', 'PUT'), ['second', 204]);
    assert.deepEqual(await ask(app, 'PUT', '/a'), ['second', 200]);
    assert.deepEqual(await preflight(app, '/a', 'DELETE'), ['nobody', 404]);
    assert.deepEqual(await ask(app, 'DELETE', '/a'), ['nobody', 200]);
    // There is no such route: its 404 is the instance's.
    assert.deepEqual(await preflight(app, '/a', 'PATCH'), ['first', 204]);
    assert.deepEqual(await ask(app, 'PATCH', '/a'), ['first', 404]);
    assert.deepEqual(await preflight(app, '/b', 'GET'), ['nobody', 404]);
    assert.deepEqual(await ask(app, 'GET', '/b'), ['nobody', 200]);
    for (const url of ['/c', '/d', '/e']) {
      assert.deepEqual(await preflight(app, url, 'GET'), ['second', 204], url);
      assert.deepEqual(await ask(app, 'GET', url), ['second', 200], url);
    }
  });

  test('belong to the instance of the route', async () => {
    const app = Fastify();
    app.put('/outside', async () => 'ok');
    await app.register(async (instance) => {
      await instance.register(corsac.fastify, { policy: first });
      instance.put('/', async () => 'ok');
      instance.put('/one/:id', async () => 'ok');
      await instance.register(async (inner) => {
        await inner.register(corsac.fastify, { policy: second });
        inner.put('/two', async () => 'ok');
      });
      instance.register(async (inner) => {
        inner.put('/three', async () => 'ok');
      }, { prefix: '/deep' });
    }, { prefix: '/api' });
    assert.deepEqual(await preflight(app, '/api', 'PUT'), ['first', 204]);
    assert.deepEqual(await preflight(app, '/api/', 'PUT'), ['first', 204]);
    assert.deepEqual(await preflight(app, '/api/one/5', 'PUT'), ['first', 204]);
    assert.deepEqual(await preflight(app, '/api/two', 'PUT'), ['second', 204]);
    assert.deepEqual(await ask(app, 'PUT', '/api/two'), ['second', 200]);
    assert.deepEqual(await preflight(app, '/api/deep/three', 'PUT'), ['first', 204]);
    assert.deepEqual(await ask(app, 'PUT', '/api/deep/three'), ['first', 200]);
    assert.deepEqual(await preflight(app, '/outside', 'PUT'), ['nobody', 404]);
    assert.deepEqual(await ask(app, 'PUT', '/outside'), ['nobody', 200]);
    assert.deepEqual(await preflight(app, '/api/missing', 'PUT'), ['nobody', 404]);
  });

  test('follow the instance where its policy came after its routes, as requests do', async () => {
    const app = Fastify();
    await app.register(corsac.fastify, { policy: first });
    await app.register(async (instance) => {
      instance.put('/x', async () => 'ok');
      await instance.register(corsac.fastify, { policy: second });
    });
    assert.deepEqual(await ask(app, 'PUT', '/x'), ['second', 200]);
    assert.deepEqual(await preflight(app, '/x', 'PUT'), ['second', 204]);
  });

  test('that reach an OPTIONS route of an instance outside follow the instance of the route', async () => {
    const app = Fastify();
    await app.register(corsac.fastify, { policy: first });
    app.options('/x', async () => 'of the application');
    await app.register(async (instance) => {
      await instance.register(corsac.fastify, { policy: second });
      instance.put('/x', async () => 'ok');
    });
    assert.deepEqual(await preflight(app, '/x', 'PUT'), ['second', 204]);
    assert.deepEqual(await preflight(app, '/x', 'DELETE'), ['first', 204]);
  });

  test('find routes by host, and those of a version', async () => {
    const app = Fastify();
    await app.register(corsac.fastify, { policy: first });
    app.put('/x', { constraints: { host: 'a.example' }, config: { corsac: second } }, async () => 'a');
    app.put('/x', { constraints: { host: 'b.example' }, config: { corsac: null } }, async () => 'b');
    app.put('/y', { constraints: { version: '1.2.0' }, config: { corsac: second } }, async () => 'y');
    const at = (host) => ({ inject: (options) => app.inject({ ...options, headers: { ...options.headers, host } }) });
    assert.deepEqual(await preflight(at('a.example'), '/x', 'PUT'), ['second', 204]);
    assert.deepEqual(await preflight(at('b.example'), '/x', 'PUT'), ['nobody', 404]);
    assert.deepEqual(await preflight(at('c.example'), '/x', 'PUT'), ['first', 204]);
    assert.deepEqual(await preflight(app, '/y', 'PUT'), ['second', 204]);
  });

  test('follow the route that Fastify finds for their method, though another pattern fits the path better', async () => {
    // The policies of the instance, of /users/me and of /users/:id, in both orders; and who may delete /users/me.
    const cases = [
      { instance: first, me: ['PUT', first], id: ['DELETE', second] },
      { instance: second, me: ['DELETE', undefined], id: ['DELETE', first] },
      { instance: first, me: ['PUT', undefined], id: [['GET', 'DELETE'], second] },
      { instance: first, me: ['PUT', null], id: ['DELETE', second] },
    ];
    for (const { instance, me, id } of cases) {
      for (const order of [1, -1]) {
        const app = Fastify();
        await app.register(corsac.fastify, { policy: instance });
        for (const [url, [method, policy]] of [['/users/me', me], ['/users/:id', id]].slice().sort(() => order)) {
          app.route({ method, url, config: policy === undefined ? {} : { corsac: policy }, handler: async () => 'ok' });
        }
        assert.deepEqual(await ask(app, 'DELETE', '/users/me'), ['second', 200]);
        assert.deepEqual(await preflight(app, '/users/me', 'DELETE'), ['second', 204]);
      }
    }
  });

  test('follow the instance of that route', async () => {
    const app = Fastify();
    await app.register(corsac.fastify, { policy: first });
    await app.register(async (instance) => {
      await instance.register(corsac.fastify, { policy: second });
      instance.delete('/users/:id', async () => 'ok');
    });
    await app.register(async (instance) => instance.put('/users/me', async () => 'ok'));
    assert.deepEqual(await preflight(app, '/users/me', 'DELETE'), ['second', 204]);
    assert.deepEqual(await preflight(app, '/users/me', 'PUT'), ['first', 204]);
  });

  test('of routes that differ in what a preflight does not tell are decided by the policy that they share, or by none', async () => {
    for (const [one, other, expected] of [[first, second, ['nobody', 403]], [second, second, ['second', 204]], [undefined, first, ['first', 204]], [null, first, ['nobody', 403]]]) {
      const app = Fastify();
      await app.register(corsac.fastify, { policy: first });
      for (const [version, policy] of [['1.0.0', one], ['2.0.0', other]]) {
        app.delete('/x', { constraints: { version }, config: policy === undefined ? {} : { corsac: policy } }, async () => 'ok');
      }
      assert.deepEqual(await preflight(app, '/x', 'DELETE'), expected);
    }
  });

  test('add no routes where the outermost instance decides everything', async () => {
    const app = Fastify();
    await app.register(corsac.fastify, { policy: first });
    app.put('/x', async () => 'ok');
    assert.equal(app.hasConstraintStrategy('corsac'), false);
  });

  test('come past the hooks of the application, authentication among them', async () => {
    const app = Fastify();
    await app.register(corsac.fastify, { policy: first });
    app.addHook('onRequest', async (request, reply) => reply.code(401).send('who are you?'));
    app.put('/x', async () => 'ok');
    assert.deepEqual(await preflight(app, '/x', 'PUT'), ['first', 204]);
    assert.deepEqual(await ask(app, 'PUT', '/x'), ['first', 401]);
  });

  test('reach onResponse and the log', async () => {
    const seen = [];
    const lines = [];
    const app = Fastify({ logger: { stream: { write: (line) => lines.push(JSON.parse(line)) } } });
    await app.register(corsac.fastify, { policy: first });
    app.addHook('onResponse', async (request, reply) => seen.push([request.method, reply.statusCode]));
    await preflight(app, '/x', 'PUT');
    assert.deepEqual(seen, [['OPTIONS', 204], ['OPTIONS', 403]]);
    assert.deepEqual(lines.filter(({ msg }) => msg === 'request completed').map(({ res }) => res.statusCode), [204, 403]);
  });
});

describe('fastify: responses', () => {
  const everything = { 'access-control-allow-origin': ['https://first.example'] };

  test('of error and not-found handlers, of hooks and of validation are covered', async () => {
    const app = Fastify();
    await app.register(corsac.fastify, { policy: first });
    app.setErrorHandler((error, request, reply) => reply.code(error.statusCode ?? 500).headers({ 'Access-Control-Allow-Origin': '*', Vary: 'Cookie' }).send('error'));
    app.setNotFoundHandler((request, reply) => reply.code(404).header('access-control-allow-methods', 'TRACE').send('nothing'));
    app.get('/error', async () => { throw new Error('x'); });
    app.get('/late', { onSend: async () => { throw new Error('late'); } }, async () => 'ok');
    app.get('/hook', { preHandler: async (request, reply) => reply.code(403).send('no') }, async () => 'ok');
    app.post('/valid', { schema: { body: { type: 'object', required: ['a'] } } }, async () => 'ok');
    const cases = [['GET', '/error', 500], ['GET', '/late', 500], ['GET', '/hook', 403], ['POST', '/valid', 400], ['GET', '/missing', 404]];
    for (const [method, url, status] of cases) {
      const response = await app.inject({ method, url, headers: { origin: 'https://first.example' }, ...(method === 'POST' ? { payload: {} } : {}) });
      const headers = Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, [value].flat()]));
      assert.equal(response.statusCode, status, url);
      assert.deepEqual(corsOf(headers), everything, url);
      assert(varyOf(headers).includes('origin'), url);
    }
  });

  test('that are a Response or a web stream, or were made by reply.raw, are covered', async () => {
    const app = Fastify();
    await app.register(corsac.fastify, { policy: first });
    const made = new Response('made', { headers: { 'Access-Control-Allow-Origin': '*' } });
    app.get('/response', async () => made);
    app.get('/stream', async () => new Response('web').body);
    app.get('/raw', (request, reply) => {
      reply.hijack();
      reply.raw.setHeader('access-control-allow-origin', '*');
      reply.raw.end('raw');
    });
    app.get('/redirect', (request, reply) => reply.header('access-control-allow-origin', '*').redirect('/raw'));
    for (const [url, status, body] of [['/response', 200, 'made'], ['/stream', 200, 'web'], ['/raw', 200, 'raw'], ['/redirect', 302, '']]) {
      const { statusCode, payload, headers } = await app.inject({ url, headers: { origin: 'https://first.example' } });
      assert.deepEqual([statusCode, payload, headers['access-control-allow-origin'], headers.vary], [status, body, 'https://first.example', 'Origin'], url);
    }
    assert.deepEqual([...made.headers.keys()], ['access-control-allow-origin', 'content-type']);
  });

  test('of a route with a policy of its own have nothing of the other', async () => {
    const app = Fastify();
    await app.register(corsac.fastify, { policy: first });
    const config = Object.freeze({ corsac: second, mine: 5 });
    const options = Object.freeze({ config });
    app.get('/own', options, async (request) => request.routeOptions.config.mine);
    assert.deepEqual(await ask(app, 'GET', '/own'), ['second', 200]);
    assert.equal((await app.inject('/own')).payload, '5');
    assert.deepEqual(Reflect.ownKeys(config), ['corsac', 'mine'], 'the application has its own object');
  });
});

describe('fastify: the plugin', () => {
  test('chooses by path prefix, by function and by cell', async () => {
    const cell = new PolicyCell(first);
    const policies = [{ '/a': cell, '/b': second }, new Map([['/a', cell], ['/b', second]]), (request) => (request.url.startsWith('/a') ? cell : request.url.startsWith('/b') ? second : null)];
    for (const policy of policies) {
      cell.policy = first;
      const app = Fastify();
      await app.register(corsac.fastify, { policy });
      assert.deepEqual(await ask(app, 'GET', '/a/x?y'), ['first', 404]);
      assert.deepEqual(await ask(app, 'GET', '/b'), ['second', 404]);
      assert.deepEqual(await ask(app, 'GET', '/c'), ['nobody', 404]);
      assert.equal((await app.inject('/c')).headers.vary, undefined);
      cell.policy = second;
      assert.deepEqual(await ask(app, 'GET', '/a/x?y'), ['second', 404]);
    }
  });

  test('tells of refused requests, and only then', async () => {
    const heard = [];
    const hear = (message) => heard.push(message);
    const app = Fastify();
    await app.register(corsac.fastify, { policy: first });
    // An instance within that was there before has the hook of both.
    const late = Fastify();
    await late.register(async (instance) => {
      await instance.register(corsac.fastify, { policy: second });
      instance.get('/', async () => 'ok');
    });
    await late.register(corsac.fastify, { policy: first });
    subscribe('corsac:refused', hear);
    try {
      await late.inject({ url: '/', headers: { origin: 'https://late.test' } });
      await app.inject({ url: '/', headers: { origin: OTHER } });
      await app.inject({ url: '/', headers: { origin: 'https://first.example' } });
      await app.inject({ url: '/' });
    } finally {
      unsubscribe('corsac:refused', hear);
    }
    assert.deepEqual(heard.map(({ reason, origin }) => [reason, origin]), [['origin-not-allowed', 'https://late.test'], ['origin-not-allowed', OTHER]]);
  });

  test('refuses what is no policy, in its options and in a route', async () => {
    for (const policy of [undefined, null, 'policy.json', { allowOrigins: '*' }, Policy]) {
      const app = Fastify();
      await assert.rejects(async () => app.register(corsac.fastify, { policy }), TypeError);
    }
    await assert.rejects(async () => Fastify().register(corsac.fastify, { policy: first, origin: '*' }), /there is no option "origin"/);
    const app = Fastify();
    await app.register(corsac.fastify, { policy: first });
    assert.throws(() => app.get('/', { config: { corsac: true } }, async () => 'ok'), TypeError);
    assert.throws(() => app.get('/', { config: { corsac: { allowOrigins: '*' } } }, async () => 'ok'), TypeError);
  });

  test('fails a route whose policy preflights could not follow, since it came too early', async () => {
    const app = Fastify();
    app.register(corsac.fastify, { policy: first });
    app.get('/early', { config: { corsac: second } }, async () => 'ok');
    app.get('/plain', async () => 'ok');
    const { statusCode, payload } = await app.inject('/early');
    assert.equal(statusCode, 500);
    assert.match(payload, /await app\.register/);
    assert.deepEqual(await ask(app, 'GET', '/plain'), ['first', 200]);
    assert.deepEqual(await preflight(app, '/plain', 'PUT'), ['first', 204]);
  });

  test('warns of a route of an instance within that came too early, once', async () => {
    const app = Fastify();
    await app.register(async (instance) => {
      instance.register(corsac.fastify, { policy: first });
      instance.get('/early', async () => 'ok');
    });
    const warnings = [];
    const hear = (warning) => warnings.push(warning.code);
    process.on('warning', hear);
    try {
      for (let time = 0; time < 2; time += 1) assert.deepEqual(await ask(app, 'GET', '/early'), ['first', 200]);
      await new Promise((done) => setImmediate(done));
    } finally {
      process.off('warning', hear);
    }
    assert.deepEqual(warnings, ['CORSAC_ROUTE_TOO_EARLY']);
  });

  test('an error of a function that chooses is the application\'s', async () => {
    const app = Fastify();
    await app.register(corsac.fastify, { policy: () => { throw new Error('chosen badly'); } });
    app.get('/', async () => 'ok');
    const { statusCode, payload } = await app.inject('/');
    assert.equal(statusCode, 500);
    assert.match(payload, /chosen badly/);
  });

  test('works over HTTP/2', async () => {
    const { connect } = await import('node:http2');
    const app = Fastify({ http2: true });
    await app.register(corsac.fastify, { policy: first });
    app.get('/', (request, reply) => reply.header('access-control-allow-origin', '*').header('vary', 'Cookie').send('ok'));
    await app.listen({ host: '127.0.0.1', port: 0 });
    const session = connect(`http://127.0.0.1:${app.server.address().port}`);
    const request = (headers) => new Promise((resolve, reject) => {
      const stream = session.request(headers);
      stream.on('response', (response) => stream.resume().on('end', () => resolve(response)));
      stream.on('error', reject);
      stream.end();
    });
    try {
      const origin = 'https://first.example';
      const got = await request({ ':path': '/', origin });
      assert.deepEqual([got[':status'], got['access-control-allow-origin'], got.vary], [200, origin, 'Cookie, Origin']);
      const asked = await request({ ':path': '/', ':method': 'OPTIONS', origin, 'access-control-request-method': 'PUT' });
      assert.deepEqual([asked[':status'], asked['access-control-allow-methods']], [204, 'GET,HEAD,POST,PUT,DELETE']);
    } finally {
      session.close();
      await app.close();
    }
  });
});
