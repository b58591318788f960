// Which policy decides: one, one of prefixes, one of a function.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import corsac from '../../bindings/node/index.js';
import choice from '../../bindings/node/lib/choice.js';

const { Policy, PolicyCell } = corsac;
const { chooser, pathOf } = choice;
const make = (name) => new Policy({ allowOrigins: [`https://${name}.example`] });
const [site, api, admin, other] = ['site', 'api', 'admin', 'other'].map(make);

describe('the policy argument', () => {
  test('a policy decides everything', () => {
    const choose = chooser(site);
    assert.equal(choose('/any', {}), site);
    assert.equal(choose.sole.policy, site);
  });

  test('a cell decides by the policy of the moment', () => {
    const cell = new PolicyCell(site);
    const choose = chooser(cell);
    cell.policy = api;
    assert.equal(choose('/any', {}), api);
    assert.equal(choose.sole.policy, api);
  });

  for (const [name, wrap] of [['an object', (it) => it], ['an object without prototype', (it) => Object.assign(Object.create(null), it)], ['a Map', (it) => new Map(Object.entries(it))]]) {
    test(`${name} of prefixes: the longest that covers the path`, () => {
      const choose = chooser(wrap({ '/api/admin': admin, '/': site, '/api': new PolicyCell(api), '/api/open': null }));
      assert.equal(choose.sole, null);
      const expected = {
        '/': site, '/x': site, '/apix': site, '/apix/y': site, '*': site, '': site, '/x/API': site, '/x;y': site, '/x//api': site, '/%61pix': site,
        '/api': api, '/api/': api, '/api/x': api, '/api//x': api, '/api/administrator': api, '/api/openly': api,
        '/api/admin': admin, '/api/admin/': admin, '/api/admin/x/y': admin,
        '/api/open': null, '/api/open/x': null, '/api/open/%61': null, '/api/open/Caf%C3%A9;v=1//x': null, '/api/x%2fopen': api,
      };
      for (const [path, policy] of Object.entries(expected)) assert.equal(choose(path), policy, path);
    });
  }

  // Each is `/admin/x` to some application: of Express, Fastify, Koa or Hono, what sends files, or `new URL(req.url, base)`.
  const elsewhere = [
    '/ADMIN/x', '/Admin', '//admin/x', '/.//admin/x', '/./admin/x', '/%2e/admin/x', '/y/../admin/x', '/y/%2E./admin', '/y/..%2fadmin/x', '/y/..%5Cadmin/x',
    '/y/..;/admin/x', '/%61dmin/x', '/%2561dmin/x', '/%252561dmin', '/admin%2Fx', '/admin%5cx', '/admin\\x', '\\admin/x', '/admin;z', '/admin;z/x', '/admin%3Fx',
    '//foo/admin/x', '///foo/admin/x', '/\\foo/admin/x', '/adm%C4%B1n/x',
  ];
  test('a path that an application may take for one of another prefix is granted nothing', () => {
    const open = new Policy({ allowOrigins: '*' });
    const forbidding = new Policy({ allowOrigins: ['https://admin.example'], refusedRequests: 'forbid' });
    const decide = (prefixes, path) => chooser(prefixes)(path).evaluate('GET', { origin: 'https://stranger.example' });
    for (const [strict, action] of [[admin, 'forward'], [null, 'forward'], [new PolicyCell(admin), 'forward'], [forbidding, 'respond'], [new PolicyCell(forbidding), 'respond']]) {
      for (const prefixes of [{ '/': open, '/admin': strict }, { '/': strict, '/admin/': open }, { '/': open, '/Admin': strict, '/y': open }, { '/admin': strict ?? open }]) {
        for (const path of elsewhere) {
          if (path in prefixes) continue;
          const { reason, action: done } = decide(prefixes, path);
          assert.deepEqual([path, reason, done], [path, 'origin-not-allowed', action]);
        }
      }
    }
  });

  test('a path that climbs out of a prefix is granted nothing, wherever it leads', () => {
    const choose = chooser({ '/': admin, '/open': new Policy({ allowOrigins: '*' }) });
    for (const path of ['/open/..%2fx', '/open/../x', '/open/%2E./x', '/open/y/..', '/open/..;/x', '/open/..%5cx', '/open/%252e%252e/x']) {
      assert.equal(choose(path).evaluate('GET', { origin: 'https://stranger.example' }).allowed, false, path);
    }
  });

  test('a path is as good as another where the same policy decides both', () => {
    const choose = chooser({ '/': api, '/admin': api });
    for (const path of elsewhere) assert.equal(choose(path), api, path);
  });

  test('what no prefix covers is left alone', () => {
    const choose = chooser({ '/api/': api });
    assert.equal(choose('/'), null);
    assert.equal(choose('/api'), api);
  });

  test('what is read once is not changed by changing the object', () => {
    const prefixes = { '/': site };
    const choose = chooser(prefixes);
    prefixes['/'] = api;
    assert.equal(choose('/'), site);
  });

  test('a function of the request', () => {
    const request = {};
    const choose = chooser((given) => (given === request ? new PolicyCell(other) : null));
    assert.equal(choose('/', request), other);
    assert.equal(choose('/', {}), null);
  });

  const wrong = {
    'a text': ['policy.json', /Policy\.fromFile reads a file/],
    'a URL': [new URL('file:///policy.json'), /Policy\.fromFile reads a file/],
    'nothing': [undefined, /^policy is undefined, not a Policy, a PolicyCell, path prefixes to them or a function of the request/],
    'null': [null, /^policy is null/],
    'a number': [5, /^policy is a number/],
    'an array': [[site], /^policy is an Array/],
    'options': [{ allowOrigins: '*' }, /write new Policy\(\{ \.\.\. \}\)/],
    'a document': [{ allow_origins: ['https://a.example'] }, /write new Policy\(\{ \.\.\. \}\)/],
    'the class': [Policy, /not the class/],
    'what looks like a policy': [Object.create(Policy.prototype), /^policy is an Object/],
    'a promise': [Promise.resolve(site), /without waiting/],
    'no prefix': [{}, /no prefix: write/],
    'a prefix without slash': [{ api }, /"api" of policy does not begin with "\/"/],
    'a prefix twice': [{ '/api': api, '/api/': site }, /prefix "\/api\/" twice/],
    'a prefix twice but for case': [{ '/api': api, '/API': site }, /prefix "\/API" twice/],
    'a prefix with a query': [{ '/api?x': api }, /prefix "\/api\?x" of policy is not written as a path is/],
    'a prefix with an empty segment': [{ '//api': api }, /"\/\/api" of policy is not written as a path is/],
    'a prefix with a dot segment': [{ '/api/../x': api }, /is not written as a path is/],
    'a prefix that is encoded for no reason': [{ '/%61pi': api }, /is not written as a path is/],
    'a prefix that is no text': [new Map([[/api/, api]]), /a prefix of policy is a RegExp/],
    'options for a prefix': [{ '/api': { allowOrigins: '*' } }, /^policy\["\/api"\] is an Object, not a Policy, a PolicyCell or null: write new Policy/],
    'undefined for a prefix': [{ '/api': undefined }, /^policy\["\/api"\] is undefined/],
  };
  for (const [name, [value, message]] of Object.entries(wrong)) {
    test(`${name} is a TypeError`, () => {
      assert.throws(() => chooser(value), { name: 'TypeError', message });
      for (const adapter of [corsac.express, corsac.upgrade]) assert.throws(() => adapter(value), { name: 'TypeError', message });
    });
  }

  test('what a function returns is checked', () => {
    for (const [value, message] of [[undefined, /returns is undefined/], [{ allowOrigins: '*' }, /write new Policy/], [Promise.resolve(site), /without waiting/]]) {
      assert.throws(() => chooser(() => value)('/', {}), { name: 'TypeError', message });
    }
  });

  test('a promise that a function returns does not end the process when it is rejected', async () => {
    const unhandled = [];
    const listen = (error) => unhandled.push(error);
    process.on('unhandledRejection', listen);
    assert.throws(() => chooser(() => Promise.reject(new Error('mine')))('/', {}), { name: 'TypeError', message: /without waiting/ });
    await new Promise(setImmediate);
    process.off('unhandledRejection', listen);
    assert.deepEqual(unhandled, []);
  });

  test('options are checked', () => {
    assert.throws(() => corsac.express(site, { reportonly: true }), { name: 'TypeError', message: /no option "reportonly": write one of reportOnly/ });
    assert.throws(() => corsac.express(site, { reportOnly: 1 }), { name: 'TypeError', message: /reportOnly is a number/ });
    assert.throws(() => corsac.express(site, true), { name: 'TypeError', message: /options is a boolean/ });
    corsac.express(site, { reportOnly: undefined });
  });

  test('paths of request targets', () => {
    const paths = { '/a': '/a', '/a?b=/c': '/a', '/a#b': '/a', '/': '/', '*': '*', 'http://h/a?b': '/a', 'https://h:1/': '/', 'http://h': '/', '//a/b': '//a/b', 'HTTP://h/a': '/a', 'http://h\\a': '\\a', 'http://h?/a': '/', 'http://h#/a': '/', '/a?http://h/b': '/a' };
    for (const [target, path] of Object.entries(paths)) assert.equal(pathOf(target), path, target);
  });
});
