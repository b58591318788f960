// Refused requests are published, and everything else is silent.

import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';

import corsac from '../../bindings/node/index.js';
import { ORIGIN, OTHER, corsOf } from './behaviours.mjs';
import { send } from './client.mjs';

describe('the channel corsac:refused', { timeout: 60_000 }, () => {
  const policy = new corsac.Policy({ rules: [{ allowOrigins: [ORIGIN], allowMethods: ['PUT'], name: 'app "1"' }] });
  let reportOnly = false;
  let server;
  let told = [];
  const listen = (message, name) => told.push([name, message]);

  before(async () => {
    const enforcing = corsac.express(policy);
    const reporting = corsac.express(policy, { reportOnly: true });
    server = createServer((req, res) => (reportOnly ? reporting : enforcing)(req, res, () => res.end('ok')));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    subscribe('corsac:refused', listen);
  });
  beforeEach(() => (told = []));
  after(() => {
    unsubscribe('corsac:refused', listen);
    server.close();
  });
  const ask = (method, ...lines) => send(server.address().port, method, '/', lines);

  test('has nothing of what is allowed', async () => {
    await ask('GET');
    await ask('GET', `Origin: ${ORIGIN}`);
    await ask('OPTIONS', `Origin: ${ORIGIN}`, 'Access-Control-Request-Method: PUT');
    await ask('POST', 'Origin: http://localhost', 'Content-Length: 0');
    assert.deepEqual(told, []);
  });

  for (const mode of ['enforcing', 'reporting']) {
    test(`has what is refused, ${mode}`, async () => {
      reportOnly = mode === 'reporting';
      const preflight = await ask('OPTIONS', `Origin: ${ORIGIN}`, 'Access-Control-Request-Method: DELETE');
      assert.equal(preflight.status, reportOnly ? 200 : 204);
      assert.deepEqual(told.splice(0), [
        ['corsac:refused', {
          reason: 'method-not-allowed', rule: 0, ruleName: 'app "1"', origin: ORIGIN,
          line: `preflight refused method-not-allowed rule=0 name="app \\x221\\x22" origin="${ORIGIN}" method="DELETE" headers=""`,
        }],
      ]);
      const actual = await ask('GET', 'Origin: https://\xe9vil"\t.test', 'Cookie: secret=1');
      assert.deepEqual([actual.status, corsOf(actual.headers)], [200, {}]);
      const [[, message], ...others] = told;
      assert.deepEqual(others, []);
      assert.equal(message.reason, 'malformed-origin');
      assert.match(message.origin, /^[!-~]+$/);
      assert.match(message.line, /^actual refused malformed-origin rule=- origin="[ -~]+"$/);
      assert(Object.isFrozen(message));
    });
  }

  test('sees every line of a repeated Origin', async () => {
    await ask('GET', `Origin: ${ORIGIN}`, `Origin: ${OTHER}`);
    assert.deepEqual([told[0][1].reason, told[0][1].origin], ['malformed-origin', 'several']);
  });

  test('sees requests that somebody made without a socket, as servers of functions do', () => {
    for (const others of [{}, { rawHeaders: [] }]) {
      const next = [];
      corsac.express(policy)({ method: 'GET', url: '/', headers: { origin: OTHER }, ...others }, { writeHead() {} }, (error) => next.push(error));
      assert.deepEqual(next, [undefined]);
      assert.equal(told.splice(0)[0]?.[1].origin, OTHER);
    }
  });
});
