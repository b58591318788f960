// Servers that speak Request and Response, without a framework.

import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, test } from 'node:test';

import { serve } from '@hono/node-server';

import corsac from '../../bindings/node/index.js';
import { ORIGIN, OTHER, behaviours } from './behaviours.mjs';

const { Policy, PolicyCell } = corsac;

const encode = (text) => new TextEncoder().encode(text);

/** Does what an application of behaviours.mjs says. */
function respond({ status = 200, headers = [], body = 'ok', append = [], raise, chunks }) {
  const all = new Headers(headers.map((header) => [...header]));
  for (const [name, value] of append) all.append(name, value);
  if (raise) throw new Error('raised by the application');
  return new Response(chunks === undefined ? body || null : ReadableStream.from(chunks.map(encode)), { status, headers: all });
}

behaviours('fetch', {
  can: ['before', 'append', 'raise', 'stream'],
  async start({ application, policy, times, options }) {
    const onError = () => new Response('error', { status: 500, headers: { 'Access-Control-Allow-Origin': '*' } });
    const handles = Array.from({ length: times }, () => corsac.fetch(policy, { ...options, onError }));
    const inner = async () => {
      const response = respond(application);
      for (const [name, value] of application.before ?? []) response.headers.set(name, value);
      return response;
    };
    const server = serve({
      fetch: handles.reduce((next, handle) => (request) => handle(request, next), inner),
      hostname: '127.0.0.1',
      port: 0,
      // The classes of node, rather than its own.
      overrideGlobalObjects: false,
    });
    if (!server.listening) await once(server, 'listening');
    return { port: server.address().port, close: () => new Promise((done) => server.close(done)) };
  },
}, (options) => new Policy(options));

describe('fetch', () => {
  const policy = new Policy({ allowOrigins: [ORIGIN], allowMethods: ['PUT'], allowHeaders: '*', allowCredentials: true });
  const handle = corsac.fetch(policy);
  const request = (headers = { origin: ORIGIN }, method = 'GET') => new Request('https://api.example.com/path', { method, headers });
  const ask = (response, headers) => handle(request(headers), () => response);
  const cors = ({ headers }) => [...headers].filter(([name]) => /^(access-control-|vary$)/.test(name));
  const granted = [['access-control-allow-credentials', 'true'], ['access-control-allow-origin', ORIGIN], ['vary', 'Origin']];

  test('hands the request on, as it is, and waits for the response', async () => {
    const given = request();
    const response = await handle(given, async (seen) => {
      assert.equal(seen, given);
      return new Response('ok', { status: 201, statusText: 'Made' });
    });
    assert.deepEqual([response.status, response.statusText, await response.text(), cors(response)], [201, 'Made', 'ok', granted]);
  });

  test('never changes a response, whatever it is', async () => {
    const upstream = createServer((req, res) => res.setHeader('Access-Control-Allow-Methods', 'TRACE').end('upstream'));
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    try {
      const responses = [
        new Response('mine', { headers: { 'Access-Control-Allow-Origin': '*' } }),
        Response.json({ mine: true }),
        Response.redirect('https://app.example.com/landed'),
        new Response(null, { status: 204 }),
        new Response(null, { status: 304, headers: { etag: '"v1"' } }),
        await fetch(`http://127.0.0.1:${upstream.address().port}/`),
      ];
      for (const response of responses) {
        const before = [...response.headers];
        const answer = await ask(response);
        assert.notEqual(answer, response);
        assert.deepEqual([...response.headers], before);
        assert.deepEqual([answer.status, cors(answer)], [response.status, granted]);
        assert.deepEqual(cors(await ask(answer, { origin: OTHER })), [['vary', 'Origin']], 'and its own answers are responses like others');
      }
    } finally {
      upstream.close();
      upstream.closeAllConnections();
    }
  });

  test('leaves a body alone: the stream is the same, and nothing of it is read', async () => {
    let pulled = 0;
    const stream = new ReadableStream({ pull(controller) { pulled += 1; controller.enqueue(encode('x')); } }, { highWaterMark: 0 });
    const answer = await ask(new Response(stream));
    assert.equal(pulled, 0);
    assert.equal(answer.body, stream);
    await answer.body.cancel();
  });

  test('leaves what is no answer alone', async () => {
    const error = Response.error();
    assert.equal(await ask(error), error);
    const used = new Response('used');
    await used.text();
    assert.equal(await ask(used), used);
    const locked = new Response('locked');
    locked.body.getReader();
    assert.equal(await ask(locked), locked);
    for (const nothing of [undefined, null, 'text']) assert.equal(await ask(nothing), nothing);
    const upgraded = { status: 101, headers: new Headers(), statusText: '', body: null };
    assert.equal(await ask(upgraded), upgraded);
  });

  test('merges Vary, and keeps cookies apart', async () => {
    const headers = new Headers([['Vary', 'Cookie'], ['Vary', 'Accept-Encoding'], ['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2']]);
    const answer = await ask(new Response('', { headers }));
    assert.equal(answer.headers.get('vary'), 'Cookie, Accept-Encoding, Origin');
    assert.deepEqual(answer.headers.getSetCookie(), ['a=1', 'b=2']);
    assert.equal((await ask(new Response('', { headers: { vary: '*' } }))).headers.get('vary'), '*');
  });

  test('answers preflights without the application', async () => {
    const never = () => assert.fail('reached');
    const asked = { origin: ORIGIN, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-a,x-b' };
    for (let round = 0; round < 2; round += 1) {
      const answer = await handle(request(asked, 'OPTIONS'), never);
      assert.deepEqual([answer.status, answer.body], [204, null]);
      assert.deepEqual(cors(answer), [
        ['access-control-allow-credentials', 'true'],
        ['access-control-allow-headers', 'x-a,x-b'],
        ['access-control-allow-methods', 'GET,HEAD,POST,PUT'],
        ['access-control-allow-origin', ORIGIN],
        ['vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'],
      ]);
      const refused = await handle(request({ ...asked, origin: OTHER }, 'OPTIONS'), never);
      assert.deepEqual([refused.status, refused.headers.get('content-length'), cors(refused)], [403, '0', [['vary', 'Origin']]]);
    }
  });

  test('sees repeated lines as malformed', async () => {
    const headers = new Headers([['origin', ORIGIN], ['origin', ORIGIN]]);
    assert.deepEqual(cors(await ask(new Response(''), headers)), [['vary', 'Origin']]);
  });

  test('knows its own origin by Host, or, where there is none, by the URL', async () => {
    const heard = [];
    const hear = ({ reason }) => heard.push(reason);
    subscribe('corsac:refused', hear);
    try {
      await ask(new Response(''), { origin: 'https://api.example.com' });
      await ask(new Response(''), { origin: 'https://proxied.example', host: 'proxied.example' });
      assert.deepEqual(heard, []);
      await ask(new Response(''), { origin: 'https://api.example.com', host: 'proxied.example' });
      assert.deepEqual(heard, ['origin-not-allowed']);
    } finally {
      unsubscribe('corsac:refused', hear);
    }
  });

  test('throws on what the application throws, unless onError answers it', async () => {
    const fail = () => { throw new Error('of the application'); };
    await assert.rejects(handle(request(), fail), /of the application/);
    const seen = [];
    const careful = corsac.fetch(policy, { onError: async (error, given) => { seen.push([error.message, given.url]); return new Response('sorry', { status: 503 }); } });
    const answer = await careful(request(), async () => fail());
    assert.deepEqual([answer.status, await answer.text(), cors(answer)], [503, 'sorry', granted]);
    assert.deepEqual(seen, [['of the application', 'https://api.example.com/path']]);
    assert.throws(() => corsac.fetch(policy, { onError: 5 }), TypeError);
  });

  test('chooses by path prefix, by function of the request and by cell', async () => {
    const cell = new PolicyCell(policy);
    const at = (chosen, path) => corsac.fetch(chosen)(new Request(`https://api.example.com${path}`, { headers: { origin: ORIGIN } }), () => new Response(''));
    for (const chosen of [{ '/a': cell }, ({ url }) => (new URL(url).pathname.startsWith('/a') ? cell : null)]) {
      cell.policy = policy;
      assert.deepEqual(cors(await at(chosen, '/a/b?c')), granted);
      assert.deepEqual(cors(await at(chosen, '/b')), []);
      cell.policy = new Policy({ allowOrigins: [OTHER] });
      assert.deepEqual(cors(await at(chosen, '/a')), [['vary', 'Origin']]);
    }
    assert.throws(() => corsac.fetch({ allowOrigins: '*' }), TypeError);
  });

  test('says what everyone may read to everyone, without Origin too', async () => {
    const everyone = corsac.fetch(new Policy({ allowOrigins: '*' }));
    for (const headers of [{}, { origin: 'null' }, { origin: OTHER }]) {
      const answer = await everyone(request(headers), () => new Response('', { headers: { 'access-control-max-age': '5' } }));
      assert.deepEqual(cors(answer), [['access-control-allow-origin', '*']]);
    }
  });
});
