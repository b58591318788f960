// What becomes of the options of `cors` and `@fastify/cors`; peers.test.mjs has what pages get of it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import corsac from '../../bindings/node/index.js';

const { Policy, PolicyError, migrate } = corsac;

const codes = (notes) => notes.map(({ code, path }) => [code, path]);

/** The problems of building a document. */
function problemsOf(document) {
  try {
    new Policy(document);
    return [];
  } catch (error) {
    assert(error instanceof PolicyError, error);
    return error.problems.map(({ code }) => code);
  }
}

describe('options', () => {
  const everything = { allow_methods: ['PUT', 'PATCH', 'DELETE'], allow_headers: '*' };
  // What is given, the document, and what is lost and unsafe as code and path.
  const cases = [
    [undefined, { allow_origins: '*', ...everything }],
    [{}, { allow_origins: '*', ...everything }],
    [{ origin: 'https://a.example', credentials: true }, { allow_origins: ['https://a.example'], allow_credentials: true, ...everything }],
    [{ origin: new String('https://a.example') }, { allow_origins: ['https://a.example'], ...everything }],
    [{ origin: ['https://a.example', ['https://b.example']] }, { allow_origins: ['https://a.example', 'https://b.example'], ...everything }],
    [{ origin: false, methods: 'PUT' }, null],
    [{ origin: [] }, null],
    [{ origin: [false, null] }, null],
    [{ origin: undefined }, null, [['no-origin', 'origin']]],
    [{ origin: '' }, null, [['no-origin', 'origin']]],
    [{ origin: ['https://a.example', ''] }, { allow_origins: ['https://a.example'], ...everything }, [['no-origin', 'origin[1]']]],
    [{ origin: true }, { allow_origins: '*', ...everything }, [], [['reflects-any-origin', 'origin']]],
    [{ origin: [true] }, { allow_origins: '*', ...everything }, [], [['reflects-any-origin', 'origin[0]']]],
    [{ origin: { any: 'object' } }, { allow_origins: '*', ...everything }, [], [['reflects-any-origin', 'origin']]],
    [
      { origin: true, credentials: true },
      { allow_credentials: true, ...everything },
      [['reflects-any-origin-with-credentials', 'origin']],
      [['reflects-any-origin-with-credentials', 'origin']],
    ],
    [{ origin: '*', credentials: true }, { allow_origins: '*', ...everything }, [['no-effect', 'credentials']]],
    [{ credentials: 'true' }, { allow_origins: '*', ...everything }, [['no-effect', 'credentials']]],
    [{ origin: 'null' }, everything, [['null-origin', 'origin']], [['null-origin', 'origin']]],
    [
      { origin: ['https://a.example', 'http://b.example', 'http://localhost:3000'], credentials: true },
      { allow_origins: ['https://a.example', 'http://localhost:3000'], allow_credentials: true, ...everything },
      [['insecure-origin-with-credentials', 'origin[1]']],
      [['insecure-origin-with-credentials', 'origin[1]']],
    ],
    [{ origin: ['http://b.example'] }, { allow_origins: ['http://b.example'], ...everything }],
    [{ origin: ['https://*.a.example', '*', 'https://a.example'] }, { allow_origins: ['https://a.example'], ...everything }, [['literal-wildcard', 'origin[0]'], ['literal-wildcard', 'origin[1]']]],
    [{ origin: ['HTTPS://a.example', 'https://a.example:443', 'https://b\u00fccher.example'] }, everything, [['not-canonical', 'origin[0]'], ['not-canonical', 'origin[1]'], ['not-canonical', 'origin[2]']]],
    [{ origin: ['HTTPS://a.example', 'https://a.example', 'https://a.example'] }, { allow_origins: ['https://a.example'], ...everything }, [['not-canonical', 'origin[0]']]],
    [{ methods: ['put', 'PUT'] }, { allow_origins: '*', allow_methods: ['PUT'], allow_headers: '*' }, [['not-canonical', 'methods[0]']]],
    [{ origin: 'https://a.example/' }, everything, [['origin-with-trailing-slash', 'origin']]],
    [{ origin: 'a.example' }, everything, [['origin-without-scheme', 'origin']]],
    [{ origin: /^https:\/\/a\.example$/ }, everything, [['regexp', 'origin']]],
    [{ origin: () => true }, everything, [['function', 'origin']]],
    [() => ({}), {}, [['function', '']]],

    [{ methods: 'GET,HEAD' }, { allow_origins: '*', allow_headers: '*' }],
    [{ methods: ['PUT', 'PUT', 'FOO'] }, { allow_origins: '*', allow_methods: ['PUT', 'FOO'], allow_headers: '*' }],
    [{ methods: ['put', 'PATCH'] }, { allow_origins: '*', allow_methods: ['PATCH'], allow_headers: '*' }, [['not-canonical', 'methods[0]']]],
    [{ methods: 'TRACE,a b, PUT' }, { allow_origins: '*', allow_methods: ['PUT'], allow_headers: '*' }, [['forbidden-method', 'methods'], ['invalid-method', 'methods']]],
    [{ methods: undefined, exposedHeaders: null }, { allow_origins: '*', allow_headers: '*' }],
    [{ methods: 5 }, { allow_origins: '*', allow_headers: '*' }, [['wrong-type', 'methods']]],
    [{ methods: ['PUT', 5] }, { allow_origins: '*', allow_methods: ['PUT'], allow_headers: '*' }, [['wrong-type', 'methods[1]']]],
    [{ methods: '*' }, { allow_origins: '*', allow_methods: '*', allow_headers: '*' }],
    [{ origin: 'https://a.example', methods: '*', credentials: true }, { allow_origins: ['https://a.example'], allow_credentials: true, allow_headers: '*' }, [['star-with-credentials', 'methods']]],

    [{ allowedHeaders: 'X-A, content-type' }, { allow_origins: '*', ...everything, allow_headers: ['X-A', 'content-type'] }],
    [{ headers: ['X-A'] }, { allow_origins: '*', ...everything, allow_headers: ['X-A'] }],
    [{ allowedHeaders: [], headers: ['X-A'] }, { allow_origins: '*', allow_methods: everything.allow_methods }],
    [{ allowedHeaders: '*' }, { allow_origins: '*', ...everything }, [['star-without-authorization', 'allowedHeaders']]],
    [{ allowedHeaders: ['cookie', 'x-a'] }, { allow_origins: '*', ...everything, allow_headers: ['x-a'] }, [['forbidden-request-header', 'allowedHeaders[0]']]],
    [{ exposedHeaders: 'X-A,Set-Cookie,Cache-Control' }, { allow_origins: '*', ...everything, expose_headers: ['X-A'] }, [['unexposable-header', 'exposedHeaders']]],
    [{ exposedHeaders: ['*'] }, { allow_origins: '*', ...everything, expose_headers: '*' }],

    [{ maxAge: 0 }, { allow_origins: '*', ...everything, max_age: 0 }],
    [{ maxAge: '600' }, { allow_origins: '*', ...everything, max_age: 600 }],
    [{ maxAge: null }, { allow_origins: '*', ...everything }],
    [{ maxAge: -1 }, { allow_origins: '*', ...everything }, [['max-age-out-of-range', 'maxAge']]],
    [{ maxAge: 1.5 }, { allow_origins: '*', ...everything }, [['max-age-out-of-range', 'maxAge']]],
    [{ maxAge: 1e6 }, { allow_origins: '*', ...everything }, [['max-age-out-of-range', 'maxAge']]],
    [{ optionsSuccessStatus: 200 }, { allow_origins: '*', ...everything, preflight_status: 200 }],
    [{ optionsSuccessStatus: 204, preflightContinue: false }, { allow_origins: '*', ...everything }],
    [{ optionsSuccessStatus: 202 }, { allow_origins: '*', ...everything }, [['preflight-status', 'optionsSuccessStatus']]],
    [{ preflightContinue: true }, { allow_origins: '*', ...everything }, [['preflight-continue', 'preflightContinue']]],
    [{ allowHeaders: ['x-a'] }, { allow_origins: '*', ...everything }, [['unknown-option', 'allowHeaders']]],
  ];
  const fromFastify = [
    [{ hook: 'onRequest' }, { allow_origins: '*', allow_headers: '*' }],
    [{ hook: 'preHandler' }, { allow_origins: '*', allow_headers: '*' }, [['host-option', 'hook']]],
    [{ strictPreflight: true, origin: ['*'] }, { allow_origins: '*', allow_headers: '*' }, [['host-option', 'strictPreflight']]],
    [{ hideOptionsRoute: true, preflight: true }, { allow_origins: '*', allow_headers: '*' }],
    [{ hideOptionsRoute: false, preflight: false }, { allow_origins: '*', allow_headers: '*' }, [['host-option', 'hideOptionsRoute'], ['host-option', 'preflight']]],
    [{ cacheControl: 5, logLevel: 'silent' }, { allow_origins: '*', allow_headers: '*' }, [['host-option', 'cacheControl'], ['host-option', 'logLevel']]],
    [{ delegator: () => {}, origin: '*' }, {}, [['function', 'delegator']]],
    [{ preflight: true, credentials: 1, origin: 'https://a.example' }, { allow_origins: ['https://a.example'], allow_credentials: true, allow_headers: '*' }],
    [{ preflight: true, allowedHeaders: '' }, { allow_origins: '*' }],
    [{ preflight: true, allowedHeaders: null }, { allow_origins: '*', allow_headers: '*' }],
    [{ preflight: true, headers: ['x-a'] }, { allow_origins: '*', allow_headers: '*' }, [['unknown-option', 'headers']]],
    [{ preflight: true, origin: undefined }, null, [['no-origin', 'origin']]],
  ];

  for (const [from, list] of [['cors', cases], ['@fastify/cors', fromFastify]]) {
    for (const [options, document, lost = [], unsafe = []] of list) {
      test(`of ${from}: ${show(options)}`, () => {
        const migrated = migrate(options);
        assert.deepEqual(migrated.document, document);
        assert.deepEqual(codes(migrated.lost), lost);
        assert.deepEqual(codes(migrated.unsafe), unsafe);
        assert.equal(migrated.from, from);
        for (const { message } of [...migrated.lost, ...migrated.unsafe]) assert.match(message, /^.+[^.]$/);
        if (document === null) return;
        // Either it is a policy, or nobody is left.
        assert.deepEqual(problemsOf(document), 'allow_origins' in document ? [] : ['missing-allow-origins']);
      });
    }
  }

  test('say which package they are of', () => {
    assert.deepEqual(migrate({}, { from: '@fastify/cors' }).document, { allow_origins: '*', allow_headers: '*' });
    assert.equal(migrate({ hook: 'onRequest' }, { from: 'cors' }).from, 'cors');
    assert.deepEqual(codes(migrate({ hook: 'onRequest' }, { from: 'cors' }).lost), [['unknown-option', 'hook']]);
    assert.throws(() => migrate({}, { from: 'rack-cors' }), /from is "rack-cors"; write one of: cors, @fastify\/cors/);
    for (const wrong of [null, 'https://a.example', 5, []]) assert.throws(() => migrate(wrong), TypeError);
  });

  test('are not changed, and no function among them is called', () => {
    const regexp = /^https:\/\/a\.example$/g;
    regexp.lastIndex = 3;
    const never = () => assert.fail('called');
    const options = Object.freeze({ origin: Object.freeze([regexp, never, 'https://a.example']), methods: Object.freeze(['PUT']) });
    assert.deepEqual(migrate(options).document.allow_origins, ['https://a.example']);
    migrate(never);
    migrate({ delegator: never });
    assert.equal(regexp.lastIndex, 3);
  });

  test('leave a document that is one\'s own', () => {
    const { document } = migrate({ origin: /^https:\/\/a\.example$/ });
    document.allow_origins = ['https://a.example'];
    assert.equal(new Policy(document).allowsOrigin('https://a.example', false), true);
    assert.equal('allow_origins' in migrate({ origin: /^https:\/\/a\.example$/ }).document, false);
  });

  test('of a hundred thousand origins are carried over, whatever warnings there are', () => {
    const origin = Array.from({ length: 100_000 }, (_, index) => `http://host-${index}.example`);
    origin.push('HTTPS://late.example', 'https://good.example');
    const { document, lost } = migrate({ origin });
    assert.equal(document.allow_origins.length, 100_001);
    assert.deepEqual(codes(lost), [['not-canonical', 'origin[100000]']]);
  });
});

describe('regular expressions', () => {
  // What is suggested, null for nothing; and what is unsafe.
  const cases = [
    [/^https:\/\/a\.example$/, 'https://a.example'],
    [/^https:\/\/a\.example:8443$/, 'https://a.example:8443'],
    [/^https:[/]{2}a[.]example$/, null],
    [/^https:[/][/]a[.]example$/, 'https://a.example'],
    [/^https?:\/\/a\.example$/, ['http://a.example', 'https://a.example']],
    [/^https:\/\/(a|b)\.example$/, ['https://a.example', 'https://b.example']],
    [/^(https:\/\/a\.example|https:\/\/b\.example)$/, ['https://a.example', 'https://b.example']],
    [/^https:\/\/a\.example$|^https:\/\/b\.example$/, ['https://a.example', 'https://b.example']],
    [/^https:\/\/(?:www\.)?a\.example$/, ['https://a.example', 'https://www.a.example']],
    [/^https:\/\/a\.example$/i, 'https://a.example'],
    [/^https:\/\/A\.Example$/i, 'https://a.example'],
    [/^https:\/\/A\.Example$/, null],
    [/^https:\/\/.+\.a\.example$/, 'https://*.a.example'],
    [/^https:\/\/.*\.a\.example$/, 'https://*.a.example'],
    [/^https:\/\/(.+\.)?a\.example$/, ['https://a.example', 'https://*.a.example']],
    [/^https:\/\/(?:[^.]+\.)+a\.example$/, 'https://*.a.example'],
    [/^https:\/\/(?:[\w-]+\.)*a\.example$/, ['https://a.example', 'https://*.a.example']],
    [/^http:\/\/localhost(:\d+)?$/, 'http://localhost:*'],
    [/^http:\/\/localhost(?::[0-9]{1,5})?$/, 'http://localhost:*'],
    [/^https:\/\/pr-[a-z0-9-]+\.preview\.example$/, 'https://pr-*.preview.example'],
    [/^https:\/\/[a-z\d-]+-team\.preview\.example$/, 'https://*-team.preview.example'],
    // What no pattern means exactly.
    [/^http:\/\/localhost:\d+$/, null],
    [/^https:\/\/[a-z]+\.a\.example$/, null],
    [/^https:\/\/[^.]+\.a\.example$/, null],
    [/^https:\/\/(?:[a-z0-9-]+\.)+a\.example$/, null],
    [/^https:\/\/pr-\d+\.preview\.example$/, null],
    [/^https:\/\/pr-\w+\.preview\.example$/, null],
    [/^https:\/\/(?!evil)a\.example$/, null],
    [/^https:\/\/a\.example(?=$)/, null, ['unanchored-regexp']],
    [/^(?:https:\/\/(a)\.example)\1$/, null],
    [/^https:\/\/a{1,3}\.example$/, null],
    // What was unsafe.
    [/a\.example$/, null, ['unanchored-regexp']],
    [/^https:\/\/a\.example/, null, ['unanchored-regexp']],
    [/https:\/\/a\.example/, null, ['unanchored-regexp']],
    [/^https:\/\/a\.example|https:\/\/b\.example$/, null, ['unanchored-regexp']],
    [/^https:\/\/a\.example.*$/, null, ['unanchored-regexp']],
    [/^.*a\.example$/, null, ['unanchored-regexp', 'no-label-boundary']],
    [/(^https:\/\/a\.example$)/, 'https://a.example'],
    [/^https:\/\/a.example$/, null, ['unescaped-dot']],
    [/^https:\/\/.*a\.example$/, null, ['no-label-boundary']],
    [/^https:\/\/[a-z0-9.-]+a\.example$/, null],
    [/.*/, null, ['reflects-any-origin', 'null-origin']],
    [/^https?:\/\//, null, ['reflects-any-origin', 'unanchored-regexp']],
    [/^(https:\/\/a\.example|null)$/, null, ['null-origin']],
    [/^https:\/\/a\.example$/g, 'https://a.example', ['stateful-regexp']],
    [/^https?:\/\/.+\.a\.example$/g, ['http://*.a.example', 'https://*.a.example'], ['stateful-regexp']],
    [/^https:\/\/a\.example$/y, 'https://a.example', ['stateful-regexp']],
    [/(?:)/, null, ['reflects-any-origin', 'null-origin', 'unanchored-regexp']],
  ];
  for (const [regexp, patterns, unsafe = []] of cases) {
    test(String(regexp), () => {
      const migrated = migrate({ origin: regexp });
      const [lost] = migrated.lost;
      assert.deepEqual([lost.code, lost.value], ['regexp', String(regexp)]);
      assert.equal(lost.suggestion, Array.isArray(patterns) ? JSON.stringify(patterns) : patterns);
      assert.deepEqual(migrated.unsafe.map(({ code }) => code), unsafe);
      assert.equal('allow_origins' in migrated.document, false, 'it is not carried over');
    });
  }

  test('and what is suggested for them agree on origins of every kind', () => {
    const labels = ['a', 'b', 'www', 'evil', 'x_y', 'pr-1', 'pr-a-b', 'pr', 'preview', 'x-team', 'team', 'localhost', 'example', 'test', 'aexample'];
    const ports = ['', '', '', ':8443', ':1', ':65535', ':3000'];
    let seed = 1;
    const next = (count) => (seed = (seed * 48271) % 2147483647) % count;
    const origins = new Set(['null']);
    while (origins.size < 20_000) {
      const host = Array.from({ length: 1 + next(4) }, () => labels[next(labels.length)]).join('.');
      origins.add(`${next(3) === 0 ? 'http' : 'https'}://${host}${next(2) === 0 ? '.example' : ''}${ports[next(ports.length)]}`);
    }
    let allowed = 0;
    for (const [regexp] of cases) {
      const { suggestion } = migrate({ origin: regexp }).lost[0];
      if (suggestion === null) continue;
      const policy = new Policy({ allowOrigins: suggestion.startsWith('[') ? JSON.parse(suggestion) : [suggestion] });
      const fresh = new RegExp(regexp.source, regexp.flags.replace(/[gy]/g, ''));
      for (const origin of origins) {
        const says = policy.allowsOrigin(origin, false);
        allowed += says;
        assert.equal(says, fresh.test(origin), `${regexp} ${origin}`);
      }
    }
    assert(allowed > 500, `${allowed}`);
  });

  test('of everyone with credentials are told as that', () => {
    const { unsafe } = migrate({ origin: /.*/, credentials: true });
    assert.equal(unsafe[0].code, 'reflects-any-origin-with-credentials');
  });
});

function show(options) {
  if (typeof options === 'function') return 'a function';
  return JSON.stringify(options, (key, value) => {
    if (value instanceof RegExp) return String(value);
    return typeof value === 'function' ? 'a function' : value === undefined ? 'undefined' : value;
  });
}
