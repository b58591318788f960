// Every vector of tests/vectors, on the Node package.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Policy, PolicyError } from '../../../bindings/node/index.mjs';
import { loadVectors } from './vectors.mjs';

const FOREIGN = [
  'Access-Control-Allow-Origin',
  'Access-Control-Allow-Credentials',
  'Access-Control-Allow-Methods',
  'Access-Control-Allow-Headers',
  'Access-Control-Max-Age',
  'Access-Control-Expose-Headers',
  'Access-Control-Allow-Private-Network',
];

for (const { file, cases } of loadVectors()) {
  describe(file, () => {
    for (const vector of cases) {
      test(vector.name, (t) => {
        const reason = vector.skip?.node ?? (claims(vector) ? null : 'only claims how edits are applied, which the caller does here');
        if (reason !== null) return t.skip(reason);
        run(vector);
      });
    }
  });
}

function claims(vector) {
  return ['decision', 'problems', 'canonical', 'warnings', 'allows_origin'].some((key) => vector[key] !== undefined);
}

function run(vector) {
  // A text is read as text; a document is given as an object and as text.
  const builds = vector.text === undefined
    ? [() => new Policy(vector.document), () => Policy.fromJSON(JSON.stringify(vector.document))]
    : [() => Policy.fromJSON(vector.text)];
  for (const build of builds) {
    if (vector.problems !== undefined) {
      assert.throws(build, (error) => {
        assert(error instanceof PolicyError, error);
        compareProblems(error.problems, vector.problems, vector.text !== undefined);
        return true;
      });
      continue;
    }
    check(vector, build());
  }
  if (vector.problems === undefined && vector.text === undefined) {
    const options = Object.fromEntries(Object.entries(vector.document).map(([key, value]) => [camelCase(key), value]));
    assert.equal(new Policy(options).document(), Policy.fromJSON(JSON.stringify(vector.document)).document());
  }
}

function check(vector, policy) {
  if (vector.decision !== undefined) {
    const { method, headers } = vector.request;
    for (const form of formsOf(headers)) {
      compareDecision(policy.evaluate(method, form), vector.decision);
    }
  }
  if (vector.canonical !== undefined) {
    assert.equal(policy.document(), vector.canonical);
    assert.equal(Policy.fromJSON(vector.canonical).document(), vector.canonical);
    assert.equal(new Policy(JSON.parse(vector.canonical)).document(), vector.canonical);
  }
  if (vector.warnings !== undefined) {
    compareProblems(policy.warnings, vector.warnings, vector.text !== undefined);
  }
  for (const [origin, credentials, expected] of vector.allows_origin ?? []) {
    assert.equal(policy.allowsOrigin(origin, credentials), expected, `${origin} ${credentials}`);
  }
}

/** The same lines in the forms that hosts keep them in. */
function formsOf(lines) {
  const object = {};
  for (const [name, value] of lines) (object[name.toLowerCase()] ??= []).push(value);
  const single = Object.fromEntries(Object.entries(object).map(([name, values]) => [name, values.length === 1 ? values[0] : values]));
  const forms = [lines.flat(), lines, object, single];
  // A Headers joins lines, trims values and takes no pseudo header, so it only sees what it does not change.
  if (lines.every(([name, value]) => /^[\w-]+$/.test(name) && value === value.trim() && !/[\0\r\n]/.test(value) && object[name.toLowerCase()].length === 1)) {
    forms.push(new Headers(lines));
  }
  return forms;
}

function compareDecision(decision, expected) {
  const { headers, remove, rule_name: ruleName, ...rest } = expected;
  const removed = remove === 'all' ? FOREIGN : remove === 'none' ? [] : remove;
  const wanted = { ...rest, ruleName, headers: [...headers, ...removed.map((name) => ['remove', name, ''])] };
  assert.deepEqual({ ...decision }, wanted);
}

function compareProblems(problems, expected, isText) {
  assert.deepEqual(problems.map(({ code }) => code), expected.map(({ code }) => code));
  for (const [index, { message, ...problem }] of problems.entries()) {
    const wanted = { ...problem, ...expected[index] };
    if (!isText) {
      for (const key of ['line', 'column']) wanted[key] = problem[key];
    }
    assert.deepEqual(problem, wanted);
    assert.match(message, /^\P{Cc}+$/u);
  }
}

function camelCase(key) {
  return key.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
}
