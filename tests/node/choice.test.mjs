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
        '/': site, '/x': site, '/apix': site, '/apix/y': site, '*': site, '//api': site, '': site, '/API': site,
        '/api': api, '/api/': api, '/api/x': api, '/api//x': api, '/api/administrator': api, '/api/openly': api,
        '/api/admin': admin, '/api/admin/': admin, '/api/admin/x/y': admin,
        '/api/open': null, '/api/open/x': null,
      };
      for (const [path, policy] of Object.entries(expected)) assert.equal(choose(path), policy, path);
    });
  }

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

  test('options are checked', () => {
    assert.throws(() => corsac.express(site, { reportonly: true }), { name: 'TypeError', message: /no option "reportonly": write one of reportOnly/ });
    assert.throws(() => corsac.express(site, { reportOnly: 1 }), { name: 'TypeError', message: /reportOnly is a number/ });
    assert.throws(() => corsac.express(site, true), { name: 'TypeError', message: /options is a boolean/ });
    corsac.express(site, { reportOnly: undefined });
  });

  test('paths of request targets', () => {
    const paths = { '/a': '/a', '/a?b=/c': '/a', '/a#b': '/a', '/': '/', '*': '*', 'http://h/a?b': '/a', 'https://h:1/': '/', 'http://h': '/', '//a/b': '//a/b' };
    for (const [target, path] of Object.entries(paths)) assert.equal(pathOf(target), path, target);
  });
});
