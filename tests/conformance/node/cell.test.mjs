// A policy that is replaced while it is used.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Policy, PolicyCell, PolicyError } from '../../../bindings/node/index.mjs';

const ORIGIN = 'https://app.example.com';
const PREFLIGHT = ['OPTIONS', ['Origin', ORIGIN, 'Access-Control-Request-Method', 'PUT']];

const first = new Policy({ allowOrigins: [ORIGIN], allowMethods: ['PUT'], allowCredentials: true, maxAge: 1 });
const second = new Policy({ allowOrigins: ['https://*.example.com'], maxAge: 2 });

test('a cell decides by the policy assigned last', () => {
  const cell = new PolicyCell(first);
  assert.equal(cell.policy, first);
  assert.equal(cell.generation, 1);
  assert.deepEqual(cell.evaluate(...PREFLIGHT), first.evaluate(...PREFLIGHT));
  assert.equal(cell.allowsOrigin(ORIGIN), true);
  cell.policy = second;
  assert.equal(cell.policy, second);
  assert.equal(cell.generation, 2);
  assert.deepEqual(cell.evaluate(...PREFLIGHT), second.evaluate(...PREFLIGHT));
  assert.equal(cell.allowsOrigin(ORIGIN), false);
  assert.equal(cell.allowsOrigin(ORIGIN, false), true);
});

test('nothing but a policy gets into a cell', () => {
  const looksLikeOne = Object.create(Policy.prototype);
  const wrong = [undefined, null, '{}', 5, {}, { allowOrigins: '*' }, Policy, looksLikeOne, new PolicyCell(first)];
  const cell = new PolicyCell(first);
  for (const policy of wrong) {
    const error = { name: 'TypeError', message: /^policy is .+, not a Policy$/ };
    assert.throws(() => (cell.policy = policy), error);
    assert.throws(() => new PolicyCell(policy), error);
  }
  assert.throws(() => new PolicyCell(), TypeError);
  assert.equal(cell.policy, first);
  assert.equal(cell.generation, 1);
});

test('a document with problems leaves the policy as it is', () => {
  const cell = new PolicyCell(first);
  assert.throws(() => (cell.policy = new Policy({ allowOrigins: [`${ORIGIN}/`] })), PolicyError);
  assert.equal(cell.policy, first);
  assert.equal(cell.generation, 1);
});

test('a cell has nothing else to assign to', () => {
  const cell = new PolicyCell(first);
  assert.throws(() => (cell.generation = 5), TypeError);
  assert.throws(() => (cell.polciy = second), TypeError);
  assert.equal(cell.generation, 1);
});

test('a policy may be replaced in the middle of a decision', () => {
  const cell = new PolicyCell(first);
  function* headers() {
    yield ['Origin', ORIGIN];
    cell.policy = second;
    yield ['Access-Control-Request-Method', 'PUT'];
  }
  const lines = { [Symbol.toStringTag]: 'Headers', [Symbol.iterator]: headers };
  assert.deepEqual(cell.evaluate('OPTIONS', lines), first.evaluate(...PREFLIGHT));
  assert.equal(cell.policy, second);
});

test('wrong arguments are told as a policy tells them', () => {
  const cell = new PolicyCell(first);
  for (const call of [(it) => it.evaluate(5, []), (it) => it.evaluate('GET'), (it) => it.allowsOrigin(5)]) {
    const told = (() => {
      try {
        call(first);
      } catch (error) {
        return error.message;
      }
    })();
    assert.throws(() => call(cell), { name: 'TypeError', message: told });
  }
});
