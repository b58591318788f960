// What applications do with headers of their own, and what must arrive, the same in every adapter.
//
// An adapter's test calls `behaviours(name, adapter, makePolicy)`. `adapter.start({ application, policy, times, options })`
// starts a server on a free port of 127.0.0.1 with corsac installed `times` times in front of the application,
// and gives `{ port, close }`. `adapter.can` are the abilities that rows may need:
//
//   before     something between corsac and the handler sets `before`
//   after      something behind corsac sets `after` once the handler has made its response
//   append     the handler adds lines to a header that is set
//   clear      the handler removes every header that is set so far
//   writeHead  the handler calls node's own `writeHead(status, ...writeHead)`
//   raise      the handler throws, and the framework makes the 500 of it
//   missing    the framework answers 404 by itself where there is no handler
//   stream     the body is sent in `chunks`, flushed one by one
//   hints      the handler sends 103 Early Hints with `Link: </style.css>; rel=preload` first
//
// An application is data, frozen to the bottom, so that nobody can change what is the application's:
// `{ status = 200, headers = [[name, value]], body = 'ok', before, after, append, clear, writeHead, raise, missing, chunks, hints }`.
// Names are as the application spells them, so that upper case stays upper case.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { send } from './client.mjs';

export const ORIGIN = 'https://app.example.com';
export const OTHER = 'https://evil.test';

/** The options of the policy of every row that has none of its own. */
export const OPTIONS = {
  allowOrigins: [ORIGIN],
  allowMethods: ['PUT'],
  allowHeaders: ['x-token'],
  exposeHeaders: ['etag'],
  allowCredentials: true,
  maxAge: 600,
};

const GRANTED = {
  'access-control-allow-origin': [ORIGIN],
  'access-control-allow-credentials': ['true'],
  'access-control-expose-headers': ['etag'],
};

/** All seven names that only a policy should set, as a careless application sets them. */
const FOREIGN = [
  ['Access-Control-Allow-Origin', '*'],
  ['Access-Control-Allow-Credentials', 'true'],
  ['Access-Control-Allow-Methods', 'TRACE'],
  ['Access-Control-Allow-Headers', 'x-foreign'],
  ['Access-Control-Max-Age', '5'],
  ['Access-Control-Expose-Headers', 'x-foreign'],
  ['Access-Control-Allow-Private-Network', 'true'],
];
const FOREIGN_AND_VARY = [...FOREIGN, ['Vary', 'Accept-Encoding']];
const OBJECT = Object.fromEntries(FOREIGN_AND_VARY);
const FLAT = FOREIGN_AND_VARY.flat();
const upper = (pairs) => pairs.map(([name, value]) => [name.toUpperCase(), value]);
const BOTH = ['accept-encoding', 'origin'];

/**
 * What applications do. What arrives unless a row says otherwise: the status and body of the application,
 * `Vary: Origin`, and the headers of the policy if the origin is allowed; never another CORS header.
 */
export const rows = [
  { name: 'no header at all', application: {} },
  { name: 'headers during the handler', application: { headers: FOREIGN_AND_VARY }, vary: BOTH },
  { name: 'headers before the handler', application: { before: FOREIGN_AND_VARY }, vary: BOTH },
  { name: 'headers after the handler', application: { after: FOREIGN_AND_VARY }, vary: BOTH },
  { name: 'headers before, during and after the handler', application: { before: FOREIGN, headers: FOREIGN_AND_VARY, after: FOREIGN }, vary: BOTH },
  { name: 'headers in upper case', application: { headers: upper(FOREIGN_AND_VARY) }, vary: BOTH },
  { name: 'headers in upper case, before and after', application: { before: upper(FOREIGN_AND_VARY), after: upper(FOREIGN) }, vary: BOTH },
  { name: 'a second line of each header', application: { headers: FOREIGN, append: FOREIGN } },
  { name: 'two lines of Vary', application: { headers: [['Vary', 'Accept-Encoding']], append: [['Vary', 'Cookie']] }, vary: ['accept-encoding', 'cookie', 'origin'] },
  { name: 'Vary with Origin in it', application: { headers: [['Vary', 'origin, Accept-Encoding']] }, vary: ['origin', 'accept-encoding'] },
  { name: 'Vary with a name that only begins so', application: { headers: [['Vary', 'Origin-Agent-Cluster']] }, vary: ['origin-agent-cluster', 'origin'] },
  { name: 'Vary: *', application: { headers: [['Vary', '*']] }, vary: ['*'] },
  { name: 'all headers removed', application: { before: FOREIGN_AND_VARY, clear: true } },
  { name: 'headers of its own', application: { headers: [['ETag', '"v1"'], ['X-Total-Count', '42']] }, arrives: { etag: ['"v1"'], 'x-total-count': ['42'] } },
  { name: 'headers that look alike', application: { headers: [['Access-Control-Foo', 'a'], ['X-Vary', 'b']] }, arrives: { 'access-control-foo': ['a'], 'x-vary': ['b'] } },

  { name: 'an error status', application: { status: 503, headers: FOREIGN } },
  { name: 'an exception', application: { raise: true }, status: 500, body: null },
  { name: 'an exception after headers', application: { before: FOREIGN, headers: FOREIGN, raise: true }, status: 500, body: null },
  { name: 'no handler', application: { missing: true }, status: 404, body: null },
  { name: 'a redirect', application: { status: 302, headers: [['Location', '/landed'], ...FOREIGN], body: '' }, arrives: { location: ['/landed'] } },
  { name: '204', application: { status: 204, headers: FOREIGN, body: '' } },
  { name: '304', application: { status: 304, headers: [['ETag', '"v1"'], ...FOREIGN], body: '' }, arrives: { etag: ['"v1"'] } },
  { name: '206', application: { status: 206, headers: [['Content-Range', 'bytes 0-1/9'], ...FOREIGN] }, arrives: { 'content-range': ['bytes 0-1/9'] } },
  { name: 'HEAD', method: 'HEAD', application: { headers: FOREIGN_AND_VARY }, body: '', vary: BOTH },
  { name: 'OPTIONS that asks nothing', method: 'OPTIONS', application: { headers: FOREIGN_AND_VARY }, vary: BOTH },
  { name: 'a stream', application: { headers: FOREIGN_AND_VARY, chunks: ['one ', 'two ', 'three'] }, body: 'one two three', vary: BOTH },
  { name: 'Early Hints first', application: { headers: FOREIGN, hints: true } },
  { name: 'corsac installed twice', times: 2, application: { headers: FOREIGN_AND_VARY }, vary: BOTH },
  { name: 'corsac installed three times, and an exception', times: 3, application: { before: FOREIGN, raise: true }, status: 500, body: null },

  { name: 'writeHead(status)', application: { writeHead: [] } },
  { name: 'writeHead(status) after headers', application: { headers: FOREIGN_AND_VARY, writeHead: [] }, vary: BOTH },
  { name: 'writeHead(status, message)', application: { writeHead: ['Fine'] }, message: 'Fine' },
  { name: 'writeHead(status, object)', application: { writeHead: [OBJECT] }, vary: BOTH },
  { name: 'writeHead(status, object) after headers', application: { headers: FOREIGN_AND_VARY, writeHead: [OBJECT] }, vary: BOTH },
  { name: 'writeHead(status, object) in upper case', application: { writeHead: [Object.fromEntries(upper(FOREIGN_AND_VARY))] }, vary: BOTH },
  { name: 'writeHead(status, object) whose Vary replaces another', application: { headers: [['Vary', 'Cookie']], writeHead: [{ vary: 'Accept-Encoding' }] }, vary: BOTH },
  { name: 'writeHead(status, object) with lines', application: { writeHead: [{ Vary: ['Accept-Encoding', 'Cookie'], 'Set-Cookie': ['a=1', 'b=2'] }] }, vary: ['accept-encoding', 'cookie', 'origin'], arrives: { 'set-cookie': ['a=1', 'b=2'] } },
  { name: 'writeHead(status, message, object)', application: { writeHead: ['Fine', OBJECT] }, message: 'Fine', vary: BOTH },
  { name: 'writeHead(status, undefined, object)', application: { writeHead: [undefined, OBJECT] }, vary: BOTH },
  { name: 'writeHead(status, array)', application: { writeHead: [FLAT] }, vary: BOTH },
  { name: 'writeHead(status, array) after headers', application: { headers: FOREIGN, writeHead: [[...FLAT, 'X-Last', 'z']] }, vary: BOTH, arrives: { 'x-last': ['z'] } },
  { name: 'writeHead(status, array) with lines', application: { writeHead: [['Set-Cookie', 'a=1', ...FLAT, 'Set-Cookie', 'b=2']] }, vary: BOTH, arrives: { 'set-cookie': ['a=1', 'b=2'] } },
  { name: 'writeHead(status, message, array)', application: { writeHead: ['Fine', FLAT] }, message: 'Fine', vary: BOTH },
  { name: 'writeHead(status, pairs)', application: { writeHead: [[...FOREIGN_AND_VARY, ['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2']]] }, vary: BOTH, arrives: { 'set-cookie': ['a=1', 'b=2'] } },
  { name: 'writeHead(status, message, pairs)', application: { writeHead: ['Fine', FOREIGN_AND_VARY] }, message: 'Fine', vary: BOTH },
];

/** The abilities that a row needs. */
function needs({ application }) {
  const named = Object.keys(application).filter((key) => ['before', 'after', 'append', 'clear', 'writeHead', 'raise', 'missing', 'hints'].includes(key));
  return application.chunks === undefined ? named : [...named, 'stream'];
}

/** What came of CORS. */
export function corsOf(headers) {
  const names = [...FOREIGN.map(([name]) => name.toLowerCase()), 'timing-allow-origin'];
  return Object.fromEntries(Object.entries(headers).filter(([name]) => names.includes(name)));
}

/** The names in all lines of Vary, in lower case. */
export function varyOf(headers) {
  return (headers.vary ?? []).join(',').split(',').map((name) => name.trim().toLowerCase()).filter(Boolean);
}

function freeze(value) {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
  return value;
}

/** The checks of one adapter, each with its name. `makePolicy(options)` makes a policy. */
export function checks(adapter, makePolicy) {
  const can = new Set(adapter.can);
  const suitable = rows.filter((row) => needs(row).every((ability) => can.has(ability)));
  return [
    ...suitable.map((row) => [row.name, () => checkRow(row, adapter, makePolicy)]),
    ['a preflight that is allowed', () => checkPreflight(adapter, makePolicy)],
    ['reportOnly touches nothing', () => checkReportOnly(adapter, makePolicy)],
    ['foreign headers are kept where the policy says so', () => checkKeep(adapter, makePolicy)],
    ['a refused request is forbidden where the policy says so', () => checkForbid(adapter, makePolicy)],
  ];
}

/** The tests of one adapter. */
export function behaviours(name, adapter, makePolicy) {
  describe(`${name}: what the application does`, { timeout: 120_000 }, () => {
    for (const [title, check] of checks(adapter, makePolicy)) test(title, check);
  });
}

async function withServer(adapter, { application = {}, policy, times = 1, options }, use) {
  const server = await adapter.start({ application: freeze(structuredClone(application)), policy, times, options });
  try {
    await use((method, headers) => send(server.port, method, '/path?query', headers));
  } finally {
    await server.close();
  }
}

async function checkRow(row, adapter, makePolicy) {
  const { application, method = 'GET', times = 1, vary = ['origin'], arrives = {}, message } = row;
  const status = row.status ?? application.status ?? 200;
  const body = row.body === undefined ? (application.body ?? 'ok') : row.body;
  await withServer(adapter, { application, policy: makePolicy(OPTIONS), times }, async (ask) => {
    for (const [origin, granted] of [[ORIGIN, GRANTED], [OTHER, {}], [null, {}], [ORIGIN, GRANTED]]) {
      const response = await ask(method, origin === null ? [] : [`Origin: ${origin}`]);
      const where = `with ${origin ?? 'no origin'}`;
      assert.equal(response.status, status, where);
      assert.deepEqual(corsOf(response.headers), granted, where);
      assert.deepEqual(varyOf(response.headers), vary, where);
      if (body !== null) assert.equal(response.body, body, where);
      if (message !== undefined) assert.equal(response.message, message, where);
      for (const [header, lines] of Object.entries(arrives)) assert.deepEqual(response.headers[header], lines, `${header} ${where}`);
      assert.equal(response.informational.length, application.hints ? 1 : 0);
      for (const hint of response.informational) assert.deepEqual(Object.keys(hint.headers), ['link'], 'hints are left alone');
    }
  });
}

async function checkPreflight(adapter, makePolicy) {
  // The handler would leave its mark.
  const application = { headers: [['X-Reached', 'yes'], ...FOREIGN], body: 'reached' };
  const ask = ['Access-Control-Request-Method: PUT', 'Access-Control-Request-Headers: x-token'];
  const answer = {
    'access-control-allow-origin': [ORIGIN],
    'access-control-allow-credentials': ['true'],
    'access-control-allow-methods': ['GET,HEAD,POST,PUT'],
    'access-control-allow-headers': ['x-token'],
    'access-control-max-age': ['600'],
  };
  for (const times of [1, 2]) {
    await withServer(adapter, { application, policy: makePolicy(OPTIONS), times }, async (send) => {
      for (let round = 0; round < 2; round += 1) {
        const allowed = await send('OPTIONS', [`Origin: ${ORIGIN}`, ...ask]);
        assert.deepEqual([allowed.status, allowed.body, allowed.headers['x-reached']], [204, '', undefined]);
        assert.deepEqual(corsOf(allowed.headers), answer);
        assert.deepEqual(varyOf(allowed.headers), ['origin']);
        assert.deepEqual([allowed.headers['content-length'], allowed.headers['transfer-encoding']], [undefined, undefined]);

        const wrongMethod = await send('OPTIONS', [`Origin: ${ORIGIN}`, 'Access-Control-Request-Method: DELETE']);
        assert.deepEqual([wrongMethod.status, wrongMethod.body], [204, '']);
        assert.deepEqual(corsOf(wrongMethod.headers), answer);

        const refused = await send('OPTIONS', [`Origin: ${OTHER}`, ...ask]);
        assert.deepEqual([refused.status, refused.body, refused.headers['x-reached']], [403, '', undefined]);
        assert.deepEqual(corsOf(refused.headers), {});
        assert.deepEqual(varyOf(refused.headers), ['origin']);
        assert.deepEqual(refused.headers['content-length'], ['0']);

        const twoLines = await send('OPTIONS', [`Origin: ${ORIGIN}`, `Origin: ${ORIGIN}`, ...ask]);
        assert.deepEqual([twoLines.status, corsOf(twoLines.headers)], [403, {}]);
      }
    });
  }
}

async function checkReportOnly(adapter, makePolicy) {
  const application = { headers: [['Access-Control-Allow-Origin', '*'], ['Vary', 'Cookie']], body: 'mine' };
  await withServer(adapter, { application, policy: makePolicy(OPTIONS), options: { reportOnly: true } }, async (ask) => {
    for (const headers of [[], [`Origin: ${ORIGIN}`], [`Origin: ${OTHER}`], [`Origin: ${OTHER}`, 'Access-Control-Request-Method: PUT']]) {
      const method = headers.length > 1 ? 'OPTIONS' : 'GET';
      const response = await ask(method, headers);
      assert.deepEqual([response.status, response.body], [200, 'mine']);
      assert.deepEqual(corsOf(response.headers), { 'access-control-allow-origin': ['*'] });
      assert.deepEqual(varyOf(response.headers), ['cookie']);
    }
  });
}

async function checkKeep(adapter, makePolicy) {
  const application = { headers: [['Access-Control-Allow-Origin', 'https://own.example'], ['Access-Control-Max-Age', '9']] };
  await withServer(adapter, { application, policy: makePolicy({ ...OPTIONS, foreignHeaders: 'keep' }) }, async (ask) => {
    const own = { 'access-control-allow-origin': ['https://own.example'], 'access-control-max-age': ['9'] };
    assert.deepEqual(corsOf((await ask('GET', [`Origin: ${OTHER}`])).headers), own);
    assert.deepEqual(corsOf((await ask('GET', [])).headers), own);
    assert.deepEqual(corsOf((await ask('GET', [`Origin: ${ORIGIN}`])).headers), GRANTED);
  });
}

async function checkForbid(adapter, makePolicy) {
  const application = { headers: [['X-Reached', 'yes']] };
  await withServer(adapter, { application, policy: makePolicy({ ...OPTIONS, refusedRequests: 'forbid' }) }, async (ask) => {
    const refused = await ask('POST', [`Origin: ${OTHER}`, 'Content-Length: 0']);
    assert.deepEqual([refused.status, refused.body, refused.headers['x-reached']], [403, '', undefined]);
    assert.deepEqual([corsOf(refused.headers), varyOf(refused.headers)], [{}, ['origin']]);
    assert.deepEqual(refused.headers['content-length'], ['0']);
    assert.equal((await ask('GET', [`Origin: ${ORIGIN}`])).status, 200);
  });
}
