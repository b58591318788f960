// The configuration of an S3 bucket behind the package's own server adapters: what they remember of requests that are
// decided by less must not decide these.

import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';

const require = createRequire(import.meta.url);
const { Policy, PolicyError, S3Error, express, explain, fetch } = require('../../../bindings/node');

const ORIGIN = 'https://app.example.com';
const CONFIGURATION = JSON.stringify({
  CORSRules: [
    { AllowedOrigins: [ORIGIN], AllowedMethods: ['GET'], ExposeHeaders: ['ETag'] },
    { AllowedOrigins: ['https://*'], AllowedMethods: ['PUT'], AllowedHeaders: ['x-amz-*'], MaxAgeSeconds: 60 },
  ],
});

/** Status and headers of an answer to `[method, headers]`, asked twice, by each adapter. */
function adapters(policy) {
  const middleware = express(policy);
  const server = createServer((incoming, response) => middleware(incoming, response, () => response.end('{}')));
  const handler = fetch(policy);
  return {
    server,
    async express(method, headers) {
      return new Promise((resolve, reject) => {
        const sent = request({ port: server.address().port, method, headers: { host: 's3.example.com', ...headers } }, (response) => {
          response.resume().on('end', () => resolve({ status: response.statusCode, headers: response.headers }));
        });
        sent.on('error', reject).end();
      });
    },
    async fetch(method, headers) {
      // A Request of node drops what scripts may not set, which a server's does not.
      const asked = { method, url: 'https://s3.example.com/photo', headers: new Headers(headers) };
      const answer = await handler(asked, async () => new Response('{}'));
      return { status: answer.status, headers: Object.fromEntries(answer.headers) };
    },
  };
}

for (const name of ['express', 'fetch']) {
  describe(`S3 rules behind ${name}`, () => {
    const servers = { zenko: adapters(Policy.fromS3(CONFIGURATION)), aws: adapters(Policy.fromS3(CONFIGURATION, { dialect: 'aws' })) };
    before(() => Promise.all(Object.values(servers).map(({ server }) => new Promise((resolve) => server.listen(0, '127.0.0.1', resolve)))));
    after(() => Object.values(servers).forEach(({ server }) => server.close()));
    const ask = async (method, headers, dialect = 'zenko') => {
      const first = await servers[dialect][name](method, headers);
      const again = await servers[dialect][name](method, headers);
      for (const answer of [first, again]) delete answer.headers.date;
      assert.deepEqual(first, again);
      return first;
    };

    test('the method of an actual request decides, in any order', async () => {
      for (let time = 0; time < 2; time += 1) {
        assert.equal((await ask('GET', { origin: ORIGIN })).headers['access-control-allow-methods'], 'GET');
        assert.equal((await ask('PUT', { origin: ORIGIN })).headers['access-control-allow-methods'], 'PUT');
        assert.equal((await ask('DELETE', { origin: ORIGIN })).headers['access-control-allow-methods'], undefined);
      }
    });

    test('aws looks at the headers of a preflight on any request', async () => {
      const asked = { origin: ORIGIN, 'access-control-request-headers': 'x-amz-date' };
      assert.equal((await ask('GET', asked)).headers['access-control-allow-methods'], 'GET');
      assert.equal((await ask('GET', asked, 'aws')).headers['access-control-allow-methods'], undefined);
      assert.equal((await ask('GET', { ...asked, 'access-control-request-method': 'PUT' }, 'aws')).headers['access-control-allow-methods'], 'PUT');
    });

    test('every OPTIONS is a preflight', async () => {
      assert.equal((await ask('OPTIONS', {})).status, 400);
      assert.equal((await ask('OPTIONS', { origin: ORIGIN })).status, 400);
      assert.equal((await ask('OPTIONS', { origin: ORIGIN, 'access-control-request-method': 'DELETE' })).status, 403);
      const answer = await ask('OPTIONS', { origin: ORIGIN, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'X-Amz-Date' });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['access-control-allow-headers'], 'X-Amz-Date');
      assert.equal((await ask('GET', {})).status, 200);
    });
  });
}

describe('Policy.fromS3', () => {
  test('a refused configuration has the S3 error code', () => {
    assert.throws(() => Policy.fromS3('<CORSConfiguration/>'), (error) => error instanceof PolicyError && error.s3Code === 'MalformedXML');
    assert.throws(() => Policy.fromJSON('{}'), (error) => error.s3Code === null);
    assert.throws(() => Policy.fromS3(CONFIGURATION, { dialect: 'ceph' }), (error) => error instanceof PolicyError && error.problems[0].path === 'dialect');
  });

  test('arguments of another type are told', () => {
    for (const args of [[1], [CONFIGURATION, null], [CONFIGURATION, { dialect: 1 }], [CONFIGURATION, { strict: 'yes' }]]) {
      assert.throws(() => Policy.fromS3(...args), TypeError);
    }
  });

  test('a shared policy stays one of a bucket', { skip: process.env.CORSAC_SHARES === 'no' && 'nothing is shared' }, () => {
    const policy = Policy.fromS3(CONFIGURATION);
    const shared = Policy.from(policy.share());
    assert.equal(shared.evaluate('OPTIONS', {}).reason, 's3-origin-missing');
    assert.equal(shared.evaluate('GET', {}).reason, 'not-cors');
    assert.equal(shared.document(), policy.document());
  });
});

describe('errors of S3', () => {
  test('any other error', () => {
    const error = new S3Error('NoSuchKey', 404, 'The specified key does not exist.', { dialect: 'aws' });
    assert.deepEqual({ ...error }, { code: 'NoSuchKey', status: 404, message: 'The specified key does not exist.', dialect: 'aws' });
    const body = error.body({ requestId: 'R<1>', hostId: 'H1' });
    assert.match(body, /<Error><Code>NoSuchKey<\/Code><Message>The specified key does not exist\.<\/Message><RequestId>R&lt;1&gt;<\/RequestId><HostId>H1<\/HostId><\/Error>$/);
    assert.equal(new S3Error('A\ud800', 400, '').code, 'A\ufffd');
  });

  test('are frozen, and may have subclasses', () => {
    assert(Object.isFrozen(S3Error.noConfiguration()));
    class StoreError extends S3Error {
      request = 'R1';
    }
    const error = new StoreError('NoSuchKey', 404, '');
    assert.match(error.body({ requestId: error.request }), /<RequestId>R1</);
  });

  test('arguments of a wrong type', () => {
    const error = S3Error.badDigest();
    const wrong = [
      () => new S3Error(1, 400, ''), () => new S3Error('A', 40, ''), () => new S3Error('A', '400', ''), () => new S3Error('A', 400, null),
      () => new S3Error('A', 400, '', { dialect: 'ceph' }), () => S3Error.badDigest({ dialect: 1 }), () => S3Error.badDigest('aws'), () => S3Error.bucketMissing('x'), () => S3Error.bucketMissing(), () => S3Error.corsNotEnabled(undefined, {}),
      () => error.body(null), () => error.body({ isBucket: 1 }), () => error.body({ requestId: 1 }), () => error.body({ hostId: null }),
      () => Policy.fromS3(CONFIGURATION).s3Headers(1, {}), () => Policy.fromS3(CONFIGURATION).s3Error('GET', 1),
    ];
    for (const call of wrong) assert.throws(call, TypeError, String(call));
  });

  test('nothing of S3 for another policy', () => {
    const policy = new Policy({ allowOrigins: [ORIGIN] });
    assert.deepEqual([policy.s3Headers('OPTIONS', {}), policy.s3Error('OPTIONS', {}), policy.s3Xml()], [[], null, null]);
  });
});

test('an explanation by the rules of a bucket', () => {
  const policy = Policy.fromS3(CONFIGURATION);
  const request = { url: 'https://s3.example.com/photo', method: 'GET' };
  assert.equal(explain({ page_origin: ORIGIN, request }, policy).readable, true);
  const refused = explain({ page_origin: 'https://other.example', request }, policy);
  assert.deepEqual([refused.readable, refused.decisions[0].reason], [false, 's3-no-rule-matches']);
  // What is sent without strict, S3 forgets.
  const sent = (policy) => explain({ page_origin: 'https://other.example', request }, policy).exchanges[0].response_headers;
  assert.deepEqual(sent(Policy.fromS3(CONFIGURATION, { strict: true })), []);
  assert.deepEqual(sent(policy).map(([name]) => name), ['Vary']);
});
