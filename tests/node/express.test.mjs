// Express 4 and 5 and Connect: the table of application behaviour, and what is theirs alone.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, test } from 'node:test';

import compression from 'compression';
import express4 from 'express4';
import express5 from 'express5';
import inject from 'light-my-request';
import onHeaders from 'on-headers';
import serverless from 'serverless-http';

import corsac from '../../bindings/node/index.js';
import { OPTIONS, ORIGIN, OTHER, behaviours, corsOf, varyOf } from './behaviours.mjs';
import { respondAsNode } from './applications.mjs';
import { send } from './client.mjs';

// Connect prints the errors of applications unless it is loaded so.
process.env.NODE_ENV = 'test';
const { default: connect } = await import('connect');

const { Policy, PolicyCell } = corsac;
const policy = new Policy(OPTIONS);
const PREFLIGHT = [`Origin: ${ORIGIN}`, 'Access-Control-Request-Method: PUT'];

async function listen(app) {
  const server = createServer(app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  };
  return { port: server.address().port, close };
}

/** Runs `use(ask)` with a server of this application. */
async function serving(app, use) {
  const { port, close } = await listen(app);
  try {
    await use((method, target, lines) => send(port, method, target, lines));
  } finally {
    await close();
  }
}

/** An application of behaviours.mjs by the means of Express. */
function respond(application, req, res) {
  const { status = 200, headers = [], body = 'ok', after, append = [], clear, writeHead, raise, chunks, hints } = application;
  if (hints) res.writeEarlyHints({ link: '</style.css>; rel=preload' });
  if (clear) for (const name of res.getHeaderNames()) res.removeHeader(name);
  if (after !== undefined) onHeaders(res, () => after.forEach(([name, value]) => res.set(name, value)));
  for (const [name, value] of headers) res.set(name, value);
  for (const [name, value] of append) res.append(name, value);
  if (raise) throw new Error('raised by the application');
  res.status(status);
  if (writeHead !== undefined) res.writeHead(status, ...writeHead).end(body);
  else if (chunks === undefined) res.send(body);
  else streamTo(res, chunks);
}

async function streamTo(res, chunks) {
  res.flushHeaders();
  for (const chunk of chunks) await new Promise((done) => res.write(chunk, done));
  res.end();
}

const can = ['before', 'after', 'append', 'clear', 'writeHead', 'raise', 'missing', 'stream', 'hints'];

for (const [name, express] of [['Express 4', express4], ['Express 5', express5]]) {
  const start = ({ application, policy, times, options }) => {
    // Node's writeHead takes no pairs, and of repeated lines the last, where other headers are set.
    const app = express().set('env', 'test').disable('x-powered-by');
    for (let time = 0; time < times; time += 1) app.use(corsac.express(policy, options));
    if (application.before !== undefined) {
      app.use((req, res, next) => {
        for (const [name, value] of application.before) res.set(name, value);
        next();
      });
    }
    if (!application.missing) app.use((req, res) => respond(application, req, res));
    return listen(app);
  };
  behaviours(name, { start, can }, (options) => new Policy(options));

  describe(`${name} alone`, { timeout: 60_000 }, () => {
    test('an error handler of the application responds with the headers of the policy', async () => {
      const app = express();
      app.use(corsac.express(policy));
      app.get('/', () => {
        throw new Error('no');
      });
      app.get('/later', (req, res, next) => setImmediate(next, new Error('no')));
      app.use((error, req, res, next) => res.status(418).set('Access-Control-Allow-Origin', '*').json({ error: error.message }));
      await serving(app, async (ask) => {
        for (const target of ['/', '/later']) {
          const response = await ask('GET', target, [`Origin: ${ORIGIN}`]);
          assert.equal(response.status, 418);
          assert.deepEqual(corsOf(response.headers)['access-control-allow-origin'], [ORIGIN]);
        }
      });
    });

    test('a policy for what a router is mounted at', async () => {
      const app = express().set('env', 'test');
      app.use('/api', corsac.express(policy));
      app.use((req, res) => res.set('Access-Control-Allow-Origin', 'https://own.example').send('ok'));
      await serving(app, async (ask) => {
        assert.deepEqual(corsOf((await ask('GET', '/api/x', [`Origin: ${ORIGIN}`])).headers)['access-control-allow-origin'], [ORIGIN]);
        assert.deepEqual(corsOf((await ask('GET', '/apix', [`Origin: ${ORIGIN}`])).headers), { 'access-control-allow-origin': ['https://own.example'] });
        assert.equal((await ask('OPTIONS', '/api/x', PREFLIGHT)).status, 204);
        assert.equal((await ask('OPTIONS', '/x', PREFLIGHT)).status, 200);
      });
    });

    test('prefixes are those of the whole path, wherever the middleware is mounted', async () => {
      const router = express.Router();
      router.use(corsac.express({ '/v1/api': policy, '/': null }));
      router.use((req, res) => res.send(req.url));
      const app = express().use('/v1', router);
      await serving(app, async (ask) => {
        const covered = await ask('GET', '/v1/api/x?y', [`Origin: ${ORIGIN}`]);
        assert.equal(covered.body, '/api/x?y');
        assert.deepEqual(corsOf(covered.headers)['access-control-allow-origin'], [ORIGIN]);
        assert.deepEqual(corsOf((await ask('GET', '/v1/apix', [`Origin: ${ORIGIN}`])).headers), {});
      });
    });

    test('applications within applications', async () => {
      const inner = express().set('env', 'test').use(corsac.express(policy)).get('/x', (req, res) => res.set('Access-Control-Max-Age', '1').send('inner'));
      const app = express().set('env', 'test').use(corsac.express(policy)).use('/inner', inner);
      await serving(app, async (ask) => {
        for (const [target, status] of [['/inner/x', 200], ['/inner/y', 404], ['/z', 404]]) {
          const response = await ask('GET', target, [`Origin: ${ORIGIN}`]);
          assert.equal(response.status, status);
          assert.deepEqual(Object.keys(corsOf(response.headers)).length, 3);
          assert.deepEqual(varyOf(response.headers), ['origin']);
        }
      });
    });

    test('compression on either side', async () => {
      const gzip = () => compression({ threshold: 0 });
      for (const middlewares of [[gzip(), corsac.express(policy)], [corsac.express(policy), gzip()]]) {
        const app = express();
        for (const middleware of middlewares) app.use(middleware);
        app.use((req, res) => res.type('text').set('Access-Control-Allow-Origin', '*').send('a'.repeat(2000)));
        await serving(app, async (ask) => {
          const response = await ask('GET', '/', [`Origin: ${ORIGIN}`, 'Accept-Encoding: gzip']);
          assert.deepEqual(response.headers['content-encoding'], ['gzip']);
          assert.deepEqual(corsOf(response.headers)['access-control-allow-origin'], [ORIGIN]);
          assert.deepEqual(varyOf(response.headers).sort(), ['accept-encoding', 'origin']);
        });
      }
    });

    test('what is set before corsac does not get into the answer to a preflight', async () => {
      const app = express();
      app.use((req, res, next) => {
        res.set({ 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': 'x-foreign', Vary: 'Cookie', 'X-Mine': '1', 'Content-Length': '5' });
        next();
      });
      app.use(corsac.express(policy));
      await serving(app, async (ask) => {
        const allowed = await ask('OPTIONS', '/', PREFLIGHT);
        assert.equal(allowed.status, 204);
        assert.deepEqual(corsOf(allowed.headers)['access-control-allow-headers'], ['x-token']);
        assert.deepEqual([varyOf(allowed.headers), allowed.headers['x-mine'], allowed.headers['content-length']], [['cookie', 'origin'], ['1'], undefined]);
        const refused = await ask('OPTIONS', '/', [`Origin: ${OTHER}`, 'Access-Control-Request-Method: PUT']);
        assert.deepEqual([refused.status, corsOf(refused.headers), refused.headers['content-length']], [403, {}, ['0']]);
      });
    });

    test('a response that was sent is left alone', async () => {
      const app = express();
      app.use((req, res, next) => {
        res.writeHead(200, { 'X-Sent': 'yes' });
        next();
      });
      app.use(corsac.express(policy));
      app.use((req, res) => res.end('ok'));
      await serving(app, async (ask) => {
        for (const lines of [[`Origin: ${ORIGIN}`], PREFLIGHT]) {
          const response = await ask(lines === PREFLIGHT ? 'OPTIONS' : 'GET', '/', lines);
          assert.deepEqual([response.status, response.body, corsOf(response.headers)], [200, 'ok', {}]);
        }
      });
    });

    test('a function that fails to choose is an error of the application', async () => {
      for (const choose of [() => undefined, () => 'policy.json', () => { throw new Error('mine'); }, async () => policy]) {
        const app = express().set('env', 'test').use(corsac.express(choose)).use((req, res) => res.send('ok'));
        await serving(app, async (ask) => {
          const response = await ask('GET', '/', [`Origin: ${ORIGIN}`]);
          assert.deepEqual([response.status, corsOf(response.headers)], [500, {}]);
        });
      }
    });

    test('a function of the request chooses', async () => {
      const cell = new PolicyCell(policy);
      const app = express();
      app.use(corsac.express((req) => (req.get('X-Tenant') === 'a' ? cell : null)));
      app.use((req, res) => res.send('ok'));
      await serving(app, async (ask) => {
        assert.deepEqual(Object.keys(corsOf((await ask('GET', '/', [`Origin: ${ORIGIN}`, 'X-Tenant: a'])).headers)).length, 3);
        assert.deepEqual(corsOf((await ask('GET', '/', [`Origin: ${ORIGIN}`])).headers), {});
        cell.policy = new Policy({ allowOrigins: '*' });
        assert.deepEqual(corsOf((await ask('GET', '/', [`Origin: ${ORIGIN}`, 'X-Tenant: a'])).headers), { 'access-control-allow-origin': ['*'] });
      });
    });

    test('responses without a socket carry the headers too', async () => {
      const app = express().use(corsac.express(policy)).get('/', (req, res) => res.set('Vary', 'Cookie').send('ok'));
      const event = (method, headers) => ({ version: '2.0', rawPath: '/', rawQueryString: '', headers, requestContext: { http: { method, path: '/' } } });
      const result = await serverless(app)(event('GET', { origin: ORIGIN }), {});
      assert.deepEqual([result.statusCode, result.headers['access-control-allow-origin'], result.headers.vary], [200, ORIGIN, 'Cookie, Origin']);
    });
  });
}

const startConnect = ({ application, policy, times, options }) => {
  const app = connect();
  for (let time = 0; time < times; time += 1) app.use(corsac.express(policy, options));
  if (!application.missing) {
    app.use((req, res) => {
      if (application.raise) {
        for (const [name, value] of [...(application.before ?? []), ...(application.headers ?? [])]) res.setHeader(name, value);
        throw new Error('raised by the application');
      }
      respondAsNode(application, req, res);
    });
  }
  return listen(app);
};
behaviours('Connect', { start: startConnect, can }, (options) => new Policy(options));

test('Connect: responses without a socket carry the headers too', async () => {
  const app = connect().use(corsac.express(policy)).use((req, res) => {
    res.setHeader('Vary', 'Cookie');
    res.end('ok');
  });
  const answer = await inject(app, { method: 'GET', url: '/', headers: { origin: ORIGIN } });
  assert.deepEqual([answer.headers['access-control-allow-origin'], answer.headers.vary], [ORIGIN, 'Cookie, Origin']);
  const preflight = await inject(app, { method: 'OPTIONS', url: '/', headers: { origin: ORIGIN, 'access-control-request-method': 'PUT' } });
  assert.deepEqual([preflight.statusCode, preflight.headers['access-control-allow-methods']], [204, 'GET,HEAD,POST,PUT']);
});
