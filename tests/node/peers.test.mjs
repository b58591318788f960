// What is carried over from `cors` and `@fastify/cors`: their own tests, and, for many options, that every page
// gets from corsac what it got from them.

import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Duplex } from 'node:stream';
import { describe, test } from 'node:test';

import fastifyCors from '@fastify/cors';
import cors from 'cors';
import Fastify from 'fastify';

import corsac from '../../bindings/node/index.js';
import { fetchAs } from './peers/browser.mjs';
import { cases } from './peers/cors.mjs';
import { collect, refusals } from './peers/fastify-cors.mjs';

const { Policy, migrate } = corsac;

// --- Servers, as a function that asks them --------------------------------------------------------------------

const SHOWN = ['x-total', 'x-secret', 'custom-header1', 'custom-header2'];

/** Asks a listener of node:http with a middleware in front of an application. */
function connect(middleware, status = 200) {
  return remembering(async (method, headers) => {
    const chunks = [];
    const socket = new Duplex({ read() {}, write(chunk, encoding, done) { chunks.push(chunk); done(); } });
    const req = new IncomingMessage(socket);
    Object.assign(req, { method, url: '/', httpVersionMajor: 1, httpVersionMinor: 1, headers, rawHeaders: Object.entries(headers).flat() });
    const res = new ServerResponse(req);
    res.assignSocket(socket);
    await new Promise((done) => {
      res.on('finish', done);
      middleware(req, res, (error) => {
        res.statusCode = error ? 500 : status;
        res.end('ok');
      });
    });
    const [start, ...fields] = Buffer.concat(chunks).toString('latin1').split('\r\n\r\n')[0].split('\r\n');
    return { status: Number(start.split(' ')[1]), headers: Object.fromEntries(fields.map((field) => [field.split(': ')[0].toLowerCase(), field.split(': ')[1]])) };
  });
}

async function fastify(plugin, options) {
  const app = Fastify();
  await app.register(plugin, options);
  app.route({ method: FASTIFY_METHODS, url: '/', handler: async () => 'ok' });
  return remembering(async (method, headers) => {
    const response = await app.inject({ method, url: '/', headers });
    return { status: response.statusCode, headers: response.headers };
  });
}

/** Asks each question once: answers depend on nothing else. */
function remembering(ask) {
  const known = new Map();
  return (method, headers) => {
    const key = JSON.stringify([method, headers]);
    if (!known.has(key)) known.set(key, ask(method, headers));
    return known.get(key);
  };
}

const everything = (req, res, next) => next();
const middlewareOf = (document) => (document === null ? everything : corsac.express(new Policy(document)));

const ORIGINS = [
  'https://example.com', 'https://request.com', 'https://a.example', 'https://b.example', 'https://sub.a.example', 'http://a.example',
  'https://a.example:8443', 'https://other.test', 'https://bar.com', 'null',
];
/** Fastify routes no others. */
const FASTIFY_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'method1', 'FOO', 'bar', 'BAR'];
const HEADERS = [[], ['x-token'], ['content-type'], ['authorization'], ['header1', 'header2'], ['x-token', 'header1'], ['fizz', 'buzz']];

/** Every request of a page that is tried. */
function* requests(methods = METHODS) {
  for (const origin of ORIGINS) {
    for (const method of methods) {
      for (const headers of HEADERS) {
        for (const credentials of [false, true]) yield { origin, method, headers, credentials };
      }
    }
  }
}

/** What all pages get of two servers, where it is not the same. */
async function differences(one, other, { methods, except = () => false } = {}) {
  const found = [];
  let granted = 0;
  for (const request of requests(methods)) {
    const [first, second] = await Promise.all([fetchAs(one, request, SHOWN), fetchAs(other, request, SHOWN)]);
    if (first !== 'refused' && first !== 'unreadable') granted += 1;
    if (first !== second && !except(request)) found.push(`${JSON.stringify(request)}: ${first}, ${second}`);
  }
  return { found, granted };
}

// --- Their tests --------------------------------------------------------------------------------------------------

describe('the tests of cors', () => {
  const compared = new Map();
  const titles = cases.map(({ title }) => title);
  assert.equal(new Set(titles).size, titles.length);

  for (const { title, options, refused, lost = [], unsafe = [], same, method = 'GET', status = 200, vary, ...rest } of cases) {
    test(refused === undefined ? title : `${title} (refused: ${refused})`, async () => {
      const migrated = migrate(options, { from: 'cors' });
      assert.deepEqual(migrated.lost.map(({ code }) => code), lost);
      assert.deepEqual(migrated.unsafe.map(({ code }) => code), unsafe);
      if (refused !== undefined && !same) return;
      const [theirs, ours] = [connect(cors(options), status), connect(middlewareOf(migrated.document), status)];
      // Many of the tests have the same options.
      const key = show(options);
      if (!compared.has(key)) compared.set(key, differences(theirs, ours));
      assert.deepEqual((await compared.get(key)).found, []);

      const headers = { origin: 'https://example.com' };
      const answer = await ours(method, headers);
      assert.equal(answer.status, (await theirs(method, headers)).status);
      if (vary) assert.match(answer.headers.vary, /Origin/);
      const preflight = { ...headers, 'access-control-request-method': 'GET' };
      if ('maxAge' in rest) assert.equal((await ours('OPTIONS', preflight)).headers['access-control-max-age'], rest.maxAge);
      if (options.optionsSuccessStatus) assert.equal((await ours('OPTIONS', preflight)).status, options.optionsSuccessStatus);
    });
  }
});

describe('the tests of @fastify/cors', async () => {
  const all = collect();
  for (const [file, listed] of Object.entries(refusals)) {
    if (listed === null) continue;
    for (const title of Object.keys(listed)) {
      assert(all.some((other) => other.file === file && other.title === title), `${file} has no test ${title}`);
    }
  }
  for (const { file, title, run } of all) {
    const listed = refusals[file];
    if (listed === null) continue;
    const refusal = listed[title];
    if (refusal === undefined) {
      test(`${file}: ${title}`, run);
    } else if (typeof refusal === 'string') {
      test(`${file}: ${title} (refused: ${refusal})`, () => assert.rejects(run, 'it passes: take it off the list'));
    }
  }
});

// --- Options -----------------------------------------------------------------------------------------------------

/** Options that lose nothing, in both packages. */
const kept = [
  {},
  { origin: '*' },
  { origin: false },
  { origin: true },
  { origin: 'https://a.example' },
  { origin: ['https://a.example', 'https://b.example'] },
  { origin: ['https://a.example', ['https://b.example', 'chrome-extension://abcdef']] },
  { origin: 'https://a.example', credentials: true },
  { origin: ['https://a.example', 'https://a.example:8443'], credentials: true, methods: ['PUT', 'DELETE'], allowedHeaders: ['X-Token', 'Content-Type'], exposedHeaders: ['X-Total'] },
  { origin: 'https://a.example', methods: 'GET,PUT , DELETE', allowedHeaders: 'x-token, header1', exposedHeaders: 'X-Total,X-Secret', maxAge: 600 },
  { origin: ['https://a.example'], methods: [], allowedHeaders: [] },
  { methods: '*', allowedHeaders: ['x-token', 'authorization'] },
  { methods: ['FOO', 'bar'], exposedHeaders: '*', maxAge: 0, optionsSuccessStatus: 200 },
  { origin: ['http://a.example'], allowedHeaders: ['content-type'] },
  { origin: ['https://a.example', 'https://a.example'], methods: ['PUT', 'PUT'], credentials: false },
];

/** Options that lose something: what is left gives no page more than it had. */
const narrowed = [
  { origin: '*', credentials: true, methods: '*', exposedHeaders: '*' },
  { origin: ['https://a.example', /\.example$/, 'https://b.example/'], credentials: true },
  { origin: ['https://*.example', 'https://a.example'], allowedHeaders: ['x-token'] },
  { origin: ['HTTPS://B.example', 'https://a.example'], methods: ['put', 'PUT'] },
  { origin: ['http://a.example', 'https://a.example', 'null'], credentials: true },
  { origin: 'https://a.example', credentials: true, methods: '*', allowedHeaders: '*', exposedHeaders: '*' },
  { origin: ['https://a.example', 'null'] },
];

describe('every page gets what it got', { timeout: 120_000 }, () => {
  for (const options of kept) {
    test(`from cors: ${show(options)}`, async () => {
      const { document, lost } = migrate(options, { from: 'cors' });
      assert.deepEqual(lost, []);
      const { found, granted } = await differences(connect(cors(options)), connect(middlewareOf(document)));
      assert.deepEqual(found, []);
      assert.equal(granted > 0, options.origin !== false);
    });

    test(`from @fastify/cors: ${show(options)}`, async () => {
      const { document, lost } = migrate(options, { from: '@fastify/cors' });
      assert.deepEqual(lost, []);
      const ours = document === null ? await fastify(async () => {}) : await fastify(corsac.fastify, { policy: new Policy(document) });
      const { found } = await differences(await fastify(fastifyCors, { ...options }), ours, { methods: FASTIFY_METHODS });
      assert.deepEqual(found, []);
    });
  }
});

describe('no page gets more than it had', { timeout: 120_000 }, () => {
  for (const options of narrowed) {
    test(`from cors: ${show(options)}`, async () => {
      const { document, lost } = migrate(options, { from: 'cors' });
      assert.notEqual(lost.length, 0);
      const [theirs, ours] = [connect(cors(options)), connect(middlewareOf(document))];
      for (const request of requests()) {
        const [had, gets] = await Promise.all([fetchAs(theirs, request, SHOWN), fetchAs(ours, request, SHOWN)]);
        const isMore = gets !== had && gets !== 'refused' && gets !== 'unreadable' && gets !== 'nothing more';
        assert(!isMore && !(gets === 'nothing more' && (had === 'refused' || had === 'unreadable')), `${JSON.stringify(request)}: ${had}, ${gets}`);
      }
    });
  }

  test('the one difference that is told: "*" for request headers covers authorization', async () => {
    const options = { origin: 'https://a.example', allowedHeaders: '*' };
    const { document, lost } = migrate(options);
    assert.deepEqual(lost.map(({ code }) => code), ['star-without-authorization']);
    const except = ({ headers }) => headers.includes('authorization');
    const [theirs, ours] = [connect(cors(options)), connect(middlewareOf(document))];
    assert.deepEqual((await differences(theirs, ours, { except })).found, []);
    assert.notDeepEqual((await differences(theirs, ours)).found, []);
  });
});

function show(options) {
  return JSON.stringify(options, (key, value) => (value instanceof RegExp ? String(value) : value));
}
