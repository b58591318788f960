// The adapters of the Node package beside the packages that people use: `node node.mjs [JSON-FILE]`
//
// Nanoseconds of a request, net: less the same without CORS, where the application itself writes the response;
// preflights, which never reach the application, count whole. Responses are real ones without a socket. Those of
// Connect and Koa are those of the middleware alone, those of Fastify of the hook alone; Hono is asked through its
// own dispatcher, so that preflights have that in them. Contestants take turns, and the quickest round
// counts. Then requests a second over sockets, with everything that a server does beside.

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import net from 'node:net';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

const require = createRequire(new URL('../node/', import.meta.url));
const corsac = createRequire(import.meta.url)('../../bindings/node');

const ORIGIN = 'https://app.example.com';
const EVIL = 'https://evil.test';
const METHODS = ['GET', 'PUT', 'DELETE'];
const HEADERS = ['content-type', 'x-token'];
const CASES = {
  a: ['preflight allowed', 'OPTIONS', ORIGIN, 'PUT', 'content-type,x-token'],
  b: ['preflight refused', 'OPTIONS', EVIL, 'PUT', 'content-type,x-token'],
  c: ['allowed', 'GET', ORIGIN],
  d: ['refused', 'GET', EVIL],
  e: ['no Origin', 'GET'],
};
/** How many times quicker, at least, and where corsac wants to be. */
const TARGETS = {
  connect: { a: [2.5, 3.5], b: [4.5, 5], c: [1.3, 2], d: [1.8, 4], e: [2, 8] },
  fastify: { a: [2.5, 3.5], b: [4, 7], c: [2, 3], e: [3, 7] },
};

/** Header strings are new in every request. */
const fresh = (text) => Buffer.from(text).latin1Slice();

function headersOf([, , origin, requestMethod, requestHeaders]) {
  const headers = { host: 'api.example.com', accept: '*/*', 'user-agent': 'Mozilla/5.0' };
  if (origin !== undefined) headers.origin = fresh(origin);
  if (requestMethod !== undefined) {
    headers['access-control-request-method'] = fresh(requestMethod);
    headers['access-control-request-headers'] = fresh(requestHeaders);
  }
  return headers;
}

function exchange(kind) {
  const req = new http.IncomingMessage(null);
  req.method = kind[1];
  req.headers = headersOf(kind);
  req.url = '/';
  return [req, new http.ServerResponse(req)];
}

const policyOf = (origins) => new corsac.Policy({ allowOrigins: origins, allowMethods: METHODS, allowHeaders: HEADERS, allowCredentials: true, maxAge: 600 });

/** `{ none, corsac, peer }`: functions that run a middleware of Connect on one exchange. */
function connect(origins) {
  const cors = require('cors')({ origin: origins, methods: METHODS, allowedHeaders: HEADERS, credentials: true, maxAge: 600 });
  return { none: (req, res, next) => next(), peer: cors, corsac: corsac.express(policyOf(origins)) };
}

/** The nanoseconds of a call, without what makes its arguments. `kindOf` gives the case of each turn. */
function timeConnect(middleware, kindOf, count) {
  let total = 0n;
  for (let turn = 0; turn < count; turn += 1) {
    const [req, res] = exchange(kindOf(turn));
    const start = process.hrtime.bigint();
    middleware(req, res, () => {
      res.setHeader('Content-Type', 'text/plain');
      res.writeHead(200);
    });
    total += process.hrtime.bigint() - start;
  }
  return Number(total) / count;
}

/** The nanoseconds of a request to a framework, with what makes it: of the processor, since it yields in between. */
async function timeDispatch(dispatch, kind, count) {
  const start = process.cpuUsage();
  for (let turn = 0; turn < count; turn += 1) await dispatch(kind);
  const { user, system } = process.cpuUsage(start);
  return ((user + system) * 1_000) / count;
}

/** Dispatches one exchange of node:http, until the response has ended. */
const ofNode = (handle) => (kind) => {
  const [req, res] = exchange(kind);
  return new Promise((done) => {
    const { end } = res;
    res.end = function (...rest) {
      end.apply(this, rest);
      done();
      return this;
    };
    handle(req, res);
  });
};

/** The hook of a plugin of Fastify, called with requests and replies of its own that Fastify has made. */
async function fastify(plugin, options) {
  const app = require('fastify')();
  let caught;
  let hook = (request, reply, done) => done();
  // The first hook keeps what it is called with, and goes no further.
  app.addHook('onRequest', (request, reply) => (caught = [request, reply]));
  if (plugin !== undefined) {
    const { addHook } = app;
    app.addHook = function (name, given) {
      if (name === 'onRequest') hook = given;
      return addHook.call(this, name, given);
    };
    await app.register(plugin, options);
  }
  app.route({ method: 'GET', url: '/', handler: (request, reply) => reply.send('ok') });
  if (plugin === undefined) app.options('/', (request, reply) => reply.send());
  await app.ready();
  return (kind) => {
    const [req, res] = exchange(kind);
    app.routing(req, res);
    const [request, reply] = caught;
    return [hook.bind(app), request, reply];
  };
}

/** The nanoseconds of a hook, and of what Fastify does to send the headers of a reply. */
function timeHook(prepare, kind, count) {
  let total = 0n;
  for (let turn = 0; turn < count; turn += 1) {
    const [hook, request, reply] = prepare(kind);
    const start = process.hrtime.bigint();
    hook(request, reply, () => {
      reply.header('content-type', 'text/plain');
      reply.raw.writeHead(200, reply.getHeaders());
    });
    total += process.hrtime.bigint() - start;
  }
  return Number(total) / count;
}

/** A middleware of Koa, called with contexts of its own that Koa has made. */
function koa(middleware = (ctx, next) => next()) {
  const app = new (require('koa'))();
  return { middleware, prepare: (kind) => app.createContext(...exchange(kind)) };
}

/** The nanoseconds of a middleware of Koa, and of sending headers, where it has not. */
async function timeKoa({ middleware, prepare }, kind, count) {
  const contexts = Array.from({ length: count }, () => prepare(kind));
  const start = process.hrtime.bigint();
  for (const ctx of contexts) {
    await middleware(ctx, async () => {
      ctx.res.setHeader('Content-Type', 'text/plain');
      ctx.res.writeHead(200);
    });
    if (!ctx.res.headersSent) ctx.res.end();
  }
  return Number(process.hrtime.bigint() - start) / count;
}

function hono(middleware) {
  const app = new (require('hono').Hono)();
  if (middleware !== undefined) app.use(middleware);
  app.all('/', (c) => c.text('ok'));
  return (kind) => app.fetch(new Request('http://api.example.com/', { method: kind[1], headers: headersOf(kind) }));
}

async function frameworks() {
  const policy = policyOf([ORIGIN]);
  const origin = ORIGIN;
  return {
    fastify: {
      none: await fastify(),
      peer: await fastify(require('@fastify/cors'), { origin: [ORIGIN], methods: METHODS, allowedHeaders: HEADERS, credentials: true, maxAge: 600 }),
      corsac: await fastify(corsac.fastify, { policy }),
      name: '@fastify/cors',
    },
    koa: {
      none: koa(),
      peer: koa(require('@koa/cors')({ origin: (ctx) => (ctx.get('Origin') === origin ? origin : ''), allowMethods: METHODS, allowHeaders: HEADERS, credentials: true, maxAge: 600 })),
      corsac: koa(corsac.koa(policy)),
      name: '@koa/cors',
    },
    hono: {
      none: hono(),
      peer: hono(require('hono/cors').cors({ origin: [ORIGIN], allowMethods: METHODS, allowHeaders: HEADERS, credentials: true, maxAge: 600 })),
      corsac: hono(corsac.hono(policy)),
      name: 'hono/cors',
    },
  };
}

/** The quickest of some rounds for each contestant, taking turns. */
async function best(contestants, time, rounds) {
  const found = {};
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, contestant] of Object.entries(contestants)) {
      if (typeof contestant === 'string') continue;
      found[name] = Math.min(found[name] ?? Infinity, await time(contestant));
    }
  }
  return found;
}

function row(surface, key, found) {
  const base = key === 'a' || key === 'b' ? 0 : found.none;
  const [peer, ours] = [found.peer - base, found.corsac - base];
  // What is lost in the noise of the bare request is no ratio.
  const ratio = ours < found.none / 50 || peer < found.none / 50 ? null : Number((peer / ours).toFixed(1));
  const [required, stretch] = TARGETS[surface]?.[key] ?? [];
  return { surface, case: key, peer_ns: Math.round(peer), corsac_ns: Math.round(ours), bare_ns: Math.round(found.none), ratio, required, stretch };
}

function print({ surface, case: key, peer_ns: peer, corsac_ns: ours, ratio, required, stretch }) {
  const target = required === undefined ? '' : ratio !== null && ratio < required ? `  NOT ${required}` : `  required ${required}, ${ratio < stretch ? 'below' : 'at'} stretch ${stretch}`;
  console.log(`${surface.padEnd(10)} ${key} ${CASES[key][0].padEnd(20)} ${String(peer).padStart(8)} ${String(ours).padStart(8)} ${(ratio === null ? '-' : `${ratio.toFixed(1)}x`).padStart(9)}${target}`);
}

/** Requests a second over sockets, from a thread of its own. */
async function throughput(handle, seconds) {
  const server = http.createServer(handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const worker = new Worker(new URL(import.meta.url), { workerData: { port: server.address().port, seconds, origin: ORIGIN } });
  const [count] = await once(worker, 'message');
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  return Math.round(count / seconds);
}

/** The other end: keeps some requests under way on some connections, and counts what comes back. */
async function load({ port, seconds, origin }) {
  const DEPTH = 8;
  const request = `GET / HTTP/1.1\r\nHost: api.example.com\r\nAccept: */*\r\nUser-Agent: Mozilla/5.0\r\nOrigin: ${origin}\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Site: cross-site\r\n\r\n`;
  let count = 0;
  const sockets = Array.from({ length: 16 }, () => {
    const socket = net.connect(port, '127.0.0.1');
    socket.write(request.repeat(DEPTH));
    socket.on('error', () => {});
    socket.on('data', (data) => {
      let seen = 0;
      for (let index = data.indexOf('HTTP/1.1 '); index >= 0; index = data.indexOf('HTTP/1.1 ', index + 9)) seen += 1;
      count += seen;
      socket.write(request.repeat(seen));
    });
    return socket;
  });
  await new Promise((done) => setTimeout(done, 300));
  count = 0;
  await new Promise((done) => setTimeout(done, seconds * 1000));
  parentPort.postMessage(count);
  for (const socket of sockets) socket.destroy();
}

async function main() {
  const rows = [];
  console.log('Node, net nanoseconds a request: peer, corsac, how many times quicker');
  const small = connect([ORIGIN]);
  for (const [key, kind] of Object.entries(CASES)) {
    rows.push(row('connect', key, await best(small, (it) => timeConnect(it, () => kind, 20_000), 9)));
    print(rows.at(-1));
  }
  for (const [surface, contestants] of Object.entries(await frameworks())) {
    console.log(`beside ${contestants.name}`);
    for (const [key, kind] of Object.entries(CASES)) {
      const times = { fastify: (it) => timeHook(it, kind, 10_000), koa: (it) => timeKoa(it, kind, 2_000), hono: (it) => timeDispatch(it, kind, 5_000) };
      const time = times[surface];
      rows.push(row(surface, key, await best(contestants, time, 9)));
      print(rows.at(-1));
    }
  }

  console.log('by number of origins, connect, allowed and refused at random: cors, corsac');
  const scale = [];
  for (const n of [1, 10, 100, 1_000, 10_000, 100_000]) {
    const origins = Array.from({ length: n }, (_, index) => `https://app-${(index * 7919) % n}.example.com`);
    const contestants = connect(origins);
    const entry = { n };
    for (const [name, made] of [['allowed', (index) => origins[(index * 48_271) % n]], ['refused', (index) => `https://evil-${index % 1_000}.test`]]) {
      let index = 0;
      const kindOf = () => ['', 'GET', made((index += 1))];
      const next = (count) => (it) => timeConnect(it, kindOf, count);
      // The peer takes half a millisecond for each of the last.
      const slow = await best({ none: contestants.none, peer: contestants.peer }, next(n > 1_000 ? 300 : 5_000), 3);
      const quick = await best({ none: contestants.none, corsac: contestants.corsac }, next(20_000), 5);
      entry[`${name}_cors_ns`] = Math.round(slow.peer - slow.none);
      entry[`${name}_corsac_ns`] = Math.round(quick.corsac - quick.none);
    }
    scale.push(entry);
    console.log(`${String(n).padStart(8)} origins  allowed ${entry.allowed_cors_ns} ${entry.allowed_corsac_ns}   refused ${entry.refused_cors_ns} ${entry.refused_corsac_ns}`);
  }

  console.log('requests a second over sockets, allowed');
  const application = (req, res) => {
    res.setHeader('Content-Type', 'text/plain');
    res.end('ok');
  };
  const servers = { none: application };
  for (const [name, middleware] of [['cors', small.peer], ['corsac', small.corsac]]) servers[name] = (req, res) => middleware(req, res, () => application(req, res));
  const perSecond = {};
  for (let round = 0; round < 3; round += 1) {
    for (const [name, handle] of Object.entries(servers)) perSecond[name] = Math.max(perSecond[name] ?? 0, await throughput(handle, 1));
  }
  console.log(Object.entries(perSecond).map(([name, number]) => `${name} ${number}`).join(', '));

  const missed = rows.filter(({ ratio, required }) => required !== undefined && ratio !== null && ratio < required);
  console.log(missed.length === 0 ? 'Every row is within what is required.' : `NOT within what is required: ${missed.map(({ surface, case: key }) => `${surface} ${key}`).join(', ')}`);
  if (process.argv[2] !== undefined) writeFileSync(process.argv[2], JSON.stringify({ rows, scale, per_second: perSecond }, null, 1));
}

if (isMainThread) await main();
else await load(workerData);
