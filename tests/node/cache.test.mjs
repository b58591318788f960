// What is remembered of allowed requests: the same as what is decided, and nothing that was refused.

import assert from 'node:assert/strict';
import { IncomingMessage } from 'node:http';
import { describe, test } from 'node:test';

import corsac from '../../bindings/node/index.js';
import policies from '../../bindings/node/lib/policy.js';

const { Policy, PolicyCell } = corsac;
const effectsOf = (policy) => policies.internals(policy).effects;

/** Numbers that are the same in every run (mulberry32). */
function numbers(seed) {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let it = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    it = (it + Math.imul(it ^ (it >>> 7), 61 | it)) ^ it;
    return ((it ^ (it >>> 14)) >>> 0) % below;
  };
}

const POLICIES = [
  { allowOrigins: ['https://app.example.com', 'https://*.example.com', 'http://localhost:*'], allowMethods: ['PUT'], allowHeaders: ['x-token', 'content-type'], allowCredentials: true, maxAge: 5, dangerouslyAllow: ['insecure-origins'] },
  { allowOrigins: '*', exposeHeaders: '*', timingAllowOrigin: '*' },
  { allowOrigins: '*', allowMethods: ['PUT', 'DELETE'], maxAge: 0, foreignHeaders: 'keep' },
  { allowOrigins: ['https://app.example.com', 'null'], allowMethods: '*', allowHeaders: '*', dangerouslyAllow: ['null-origin'] },
  { allowOrigins: ['https://app.example.com'], allowMethods: '*', allowHeaders: '*', allowCredentials: true, refusedRequests: 'forbid' },
  {
    rules: [
      { allowOrigins: ['https://app.example.com'], allowMethods: '*', allowCredentials: true, name: 'app' },
      { allowOrigins: ['https://*.example.com', 'chrome-extension://abcdef'], timingAllowOrigin: true },
      { allowOrigins: '*', allowHeaders: ['x-token'], maxAge: 600 },
    ],
    preflightStatus: 200,
    ownOrigins: ['https://own.example'],
  },
];
const ORIGINS = [
  'https://app.example.com', 'https://a.example.com', 'https://b.a.example.com', 'https://example.com', 'https://evil.test', 'https://own.example',
  'http://localhost:5173', 'http://localhost', 'null', '', 'chrome-extension://abcdef', 'https://app.example.com/', 'https://APP.example.com',
  'https://app.example.com:443', ' https://app.example.com', 'https://app.example.com, https://app.example.com', '*', 'https://app.example.co\u006d', 'https://app.example.co\xed',
  `https://${'a'.repeat(63)}.example.com`, `https://${'a'.repeat(600)}.example.com`, 'x'.repeat(5000),
];
const METHODS = ['GET', 'POST', 'OPTIONS', 'OPTIONS', 'OPTIONS', 'options', 'DELETE'];
const REQUESTED = ['PUT', 'GET', 'put', 'DELETE', '', 'PUT, PUT', 'x y', 'QUERY', 'P'.repeat(64), 'P'.repeat(65)];
// One line may be what node:http makes of two.
const HEADERS = [
  'x-token', 'x-token, x-token', 'content-type, x-token', 'content-type,x-token', 'X-Token', ',x-token', 'x-token,', '', ' ', 'x-other', 'x-token,x-other', 'x y', 'x-token,'.repeat(300), 'x-token, '.repeat(100), 'x'.repeat(9000),
];
const HOSTS = ['app.example.com', 'evil.test', 'EVIL.test:443', 'own.example', 'localhost', ''];
const SITES = ['same-origin', 'cross-site', 'none', 'same-site', ''];

/** A request as it comes from a socket: names in any case, lines that repeat, in any order. */
function generate(next) {
  const pick = (list) => list[next(list.length)];
  const lines = [];
  const add = (name, values, most) => {
    // Mostly one line; sometimes none, or several.
    const count = [1, 1, 1, 1, 0, 0, 2, most][next(8)];
    for (let index = 0; index < count; index += 1) lines.push([next(2) ? name : name.toLowerCase(), pick(values)]);
  };
  add('Origin', next(3) ? ORIGINS.slice(0, 3) : ORIGINS, 2);
  add('Access-Control-Request-Method', next(2) ? ['PUT'] : REQUESTED, 2);
  add('Access-Control-Request-Headers', next(2) ? HEADERS.slice(0, 3) : HEADERS, 10);
  add('Host', HOSTS, 3);
  add('Sec-Fetch-Site', SITES, 2);
  lines.push(['Accept', '*/*'], ['X-Origin', 'https://evil.test']);
  return { method: pick(METHODS), raw: lines.sort(() => next(3) - 1).flat() };
}

/** A request of node:http with these lines. */
function incoming({ method, raw }) {
  const request = new IncomingMessage(null);
  request.method = method;
  request._addHeaderLines(raw, raw.length);
  assert.deepEqual(request.rawHeaders, raw);
  return request;
}

const told = ({ allowed, responds, status, edits }) => ({ allowed, action: responds ? 'respond' : 'forward', status, edits: edits.map((edit) => [...edit]) });
const expected = ({ allowed, action, status, headers }) => ({ allowed, action, status, edits: headers.map((edit) => [...edit]) });

describe('what is remembered', () => {
  const count = Number(process.env.CORSAC_CASES ?? 20_000);

  test(`is what is decided, in ${count} requests to each policy`, () => {
    POLICIES.forEach((options, index) => {
      const policy = new Policy(options);
      // Another policy, so that nothing is shared; evaluate remembers in a way of its own.
      const twin = new Policy(options);
      const next = numbers(index + 1);
      let hits = 0;
      for (let turn = 0; turn < count; turn += 1) {
        const request = generate(next);
        const effect = effectsOf(policy).ofRequest(incoming(request));
        assert.deepEqual(told(effect), expected(twin.evaluate(request.method, request.raw)), JSON.stringify(request));
        // The same again, and as HTTP/2 has it.
        if (effectsOf(policy).ofRequest(incoming(request)) === effect && effect.allowed) hits += 1;
        const http2 = { httpVersionMajor: 2, method: request.method, headers: {}, rawHeaders: request.raw };
        assert.deepEqual(told(effectsOf(policy).ofRequest(http2)), told(effect));
      }
      assert(hits > count / 20, `only ${hits} of ${count}`);
      for (const { origin, method, requestMethod, requestHeaders } of effectsOf(policy).remembered) {
        const lines = [['Origin', origin], ['Access-Control-Request-Method', requestMethod], ['Access-Control-Request-Headers', requestHeaders]];
        const decision = twin.evaluate(method ?? 'GET', lines.filter(([, value]) => value !== undefined));
        assert(decision.allowed && decision.rule !== null, `${origin} was refused`);
        assert(origin.length <= 512 && (requestHeaders ?? '').length <= 1024);
      }
    });
  });

  test('is nothing of what is refused, however often', () => {
    const policy = new Policy(POLICIES[0]);
    const refused = ORIGINS.filter((origin) => !policy.evaluate('GET', ['Origin', origin]).allowed);
    assert(refused.length > 8);
    for (let turn = 0; turn < 3; turn += 1) {
      for (const origin of refused) {
        effectsOf(policy).ofRequest(incoming({ method: 'GET', raw: ['Origin', origin] }));
        effectsOf(policy).ofRequest(incoming({ method: 'OPTIONS', raw: ['Origin', origin, 'Access-Control-Request-Method', 'PUT'] }));
      }
    }
    assert.deepEqual(effectsOf(policy).remembered, []);
    // Nor preflights that ask for too much, nor requests of the server's own pages.
    effectsOf(policy).ofRequest(incoming({ method: 'OPTIONS', raw: ['Origin', ORIGINS[0], 'Access-Control-Request-Method', 'DELETE'] }));
    effectsOf(policy).ofRequest(incoming({ method: 'OPTIONS', raw: ['Origin', ORIGINS[0], 'Access-Control-Request-Method', 'PUT', 'Access-Control-Request-Headers', 'x-other'] }));
    const own = incoming({ method: 'POST', raw: ['Origin', 'https://evil.test', 'Host', 'evil.test'] });
    assert.equal(effectsOf(policy).ofRequest(own).allowed, true);
    assert.deepEqual(effectsOf(policy).remembered, []);
  });

  test('is not mistaken for what looks like it in Latin-1', () => {
    const policy = new Policy(POLICIES[0]);
    const origin = ORIGINS[0];
    assert.equal(effectsOf(policy).ofRequest(incoming({ method: 'GET', raw: ['Origin', origin] })).allowed, true);
    for (let index = 0; index < origin.length; index += 1) {
      for (const high of [0x100, 0x200, 0xff00]) {
        const lookalike = origin.slice(0, index) + String.fromCharCode(origin.charCodeAt(index) + high) + origin.slice(index + 1);
        assert.equal(effectsOf(policy).ofRequest(incoming({ method: 'GET', raw: ['Origin', lookalike] })).allowed, false, lookalike);
        assert.equal(policy.evaluate('GET', ['Origin', lookalike]).reason, 'malformed-origin');
        assert.equal(policy.allowsOrigin(lookalike), false);
      }
    }
    assert.equal(effectsOf(policy).remembered.length, 1);
  });

  test('is never a string that was cut', () => {
    const policy = new Policy({ allowOrigins: ['https://*.example.com'], allowHeaders: ['x-token'] });
    for (let length = 1; length < 1200; length += 1) {
      const origin = `https://${'a.'.repeat(length)}example.com`;
      assert.equal(effectsOf(policy).ofRequest(incoming({ method: 'GET', raw: ['Origin', origin] })).allowed, origin.length <= 8 + 253, String(length));
    }
    const preflight = (headers) => incoming({ method: 'OPTIONS', raw: ['Origin', 'https://a.example.com', 'Access-Control-Request-Method', 'GET', 'Access-Control-Request-Headers', headers] });
    for (const length of [500, 511, 512, 513, 1024, 8190, 8191, 8192, 8193, 9000]) {
      const ok = `${' '.repeat(length - 7)}x-token`;
      assert.equal(effectsOf(policy).ofRequest(preflight(ok)).allowed, length <= 8192, String(length));
      assert.equal(effectsOf(policy).ofRequest(preflight(`${' '.repeat(length - 8)}x-token!`)).allowed, false, String(length));
    }
  });

  test('is bounded, and forgets what was long ago', () => {
    const policy = new Policy({ allowOrigins: ['https://*.example.com'] });
    for (let index = 0; index < 5000; index += 1) {
      assert.equal(effectsOf(policy).ofRequest(incoming({ method: 'GET', raw: ['Origin', `https://app-${index}.example.com`] })).allowed, true);
      effectsOf(policy).ofRequest(incoming({ method: 'OPTIONS', raw: ['Origin', `https://app-${index}.example.com`, 'Access-Control-Request-Method', 'GET'] }));
    }
    const { length } = effectsOf(policy).remembered;
    assert(length > 32 && length <= 256 + 64, String(length));
  });

  test('goes with the policy when it is replaced', () => {
    const cell = new PolicyCell(new Policy({ allowOrigins: ['https://app.example.com'] }));
    const ask = () => effectsOf(cell.policy).ofRequest(incoming({ method: 'GET', raw: ['Origin', 'https://app.example.com'] })).allowed;
    assert.deepEqual([ask(), ask()], [true, true]);
    cell.policy = new Policy({ allowOrigins: ['https://other.example.com'] });
    assert.deepEqual(effectsOf(cell.policy).remembered, []);
    assert.deepEqual([ask(), ask()], [false, false]);
  });
});
