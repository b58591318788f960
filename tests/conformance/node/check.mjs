// What a vector claims, checked on the Node package: for its own tests, and for runtimes without node:test.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { IncomingMessage, ServerResponse } from 'node:http';

const require = createRequire(import.meta.url);
// Another build of the package, where one is to be tested.
const { Policy, PolicyError, S3Error } = require(process.env.CORSAC_PACKAGE ?? '../../../bindings/node');
const { apply } = require('../../../bindings/node/examples/apply.cjs');

const FOREIGN = [
  'Access-Control-Allow-Origin',
  'Access-Control-Allow-Credentials',
  'Access-Control-Allow-Methods',
  'Access-Control-Allow-Headers',
  'Access-Control-Max-Age',
  'Access-Control-Expose-Headers',
  'Access-Control-Allow-Private-Network',
];

/** Problems whose value is a key, and whose path ends with it. */
const KEY_PROBLEMS = ['unknown-key', 'duplicate-key', 'key-beside-rules', 'top-level-key-in-rule'];

/** Throws unless the vector holds. */
export function checkVector(vector) {
  if (vector.error !== undefined) return checkBucket(vector);
  // A text is read as text; a document is given as an object, as options and as text.
  const isText = vector.text !== undefined;
  const builds = vector.s3 !== undefined
    ? [[() => Policy.fromS3(vector.text, vector.s3)], [() => Policy.fromS3(new TextEncoder().encode(vector.text), vector.s3)]]
    : isText
    ? [[() => Policy.fromJSON(vector.text)]]
    : [
        [() => new Policy(vector.document)],
        [() => Policy.fromJSON(JSON.stringify(vector.document))],
        [() => new Policy(toOptions(vector.document)), inOptionsWords],
      ];
  for (const [build, words = (problem) => problem] of builds) {
    if (vector.problems !== undefined) {
      assert.throws(build, (error) => {
        assert(error instanceof PolicyError, error);
        compareProblems(error.problems, vector.problems.map(words), isText);
        assert.equal(error.s3Code, vector.s3_error?.code ?? null);
        compareS3Error(error.s3Error, vector.s3_error, 400);
        return true;
      });
    } else {
      check(vector, build(), words);
    }
  }
}

function check(vector, policy, words) {
  let checked = false;
  if (vector.decision !== undefined) {
    checked = true;
    const { method, headers } = vector.request;
    for (const form of [...formsOf(headers), ...formsOf(headers)]) {
      const decision = policy.evaluate(method, form);
      compareDecision(decision, vector.decision);
      if (vector.line !== undefined) assert.equal(decision.toString(), vector.line);
      if (vector.s3 !== undefined) {
        assert.deepEqual(policy.s3Headers(method, form), vector.s3_headers);
        compareS3Error(policy.s3Error(method, form), vector.s3_error, decision.status);
      }
      assert(String(decision).startsWith(`${decision.kind} ${decision.allowed ? 'allowed' : 'refused'} ${decision.reason} rule=`));
    }
  }
  if (vector.applied !== undefined) {
    checked = true;
    const decision = policy.evaluate(vector.request.method, vector.request.headers);
    const response = new ServerResponse(new IncomingMessage(null));
    for (const [name, value] of vector.response) response.appendHeader(name, value);
    for (let time = 1; time <= 2; time += 1) {
      apply(decision.headers, response);
      assert.deepEqual(linesOf(response.getHeaderNames().flatMap((name) => [response.getHeader(name)].flat().map((value) => [name, value]))), linesOf(vector.applied));
    }
  }
  if (vector.s3_xml !== undefined) assert.equal(policy.s3Xml(), vector.s3_xml);
  if (vector.canonical !== undefined) {
    checked = true;
    assert.equal(policy.document(), vector.canonical);
    const document = JSON.parse(vector.canonical);
    const again = vector.s3 !== undefined
      ? [Policy.fromS3(vector.canonical, vector.s3)]
      : [Policy.fromJSON(vector.canonical), new Policy(document), new Policy(toOptions(document))];
    for (const policy of again) assert.equal(policy.document(), vector.canonical);
  }
  if (vector.warnings !== undefined) {
    checked = true;
    compareProblems(policy.warnings, vector.warnings.map(words), vector.text !== undefined);
    assert.equal(policy.warningsUnreported, 0);
  }
  for (const [origin, credentials, expected] of vector.allows_origin ?? []) {
    checked = true;
    assert.equal(policy.allowsOrigin(origin, credentials), expected, `${origin} ${credentials}`);
  }
  assert(checked, 'the vector claims nothing');
}

/** What S3 answers about a bucket. */
function checkBucket({ dialect, error, request, status, is_bucket: isBucket, ...expected }) {
  const name = camelCase(error.replaceAll('-', '_'));
  const made = request === undefined ? [S3Error[name]({ dialect })] : formsOf(request.headers).map((form) => S3Error[name](form, { dialect }));
  for (const each of made) compareS3Error(each, expected, status, isBucket);
}

function compareS3Error(error, expected, status, isBucket = false) {
  if (expected === undefined) return assert.equal(error, null);
  assert(error instanceof S3Error && Object.isFrozen(error));
  assert.deepEqual([error.code, error.status], [expected.code, status]);
  assert.equal(error.body({ isBucket, requestId: 'R1', hostId: 'H1' }), expected.body);
}

/** Names in lower case, sorted, with the lines of each, and those of vary joined. */
function linesOf(lines) {
  const found = {};
  for (const [name, value] of lines) (found[name.toLowerCase()] ??= []).push(String(value));
  if (found.vary !== undefined) found.vary = found.vary.join(', ');
  return Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** A document with camelCase keys, in rules too. */
function toOptions(value, isRule = false) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const members = Object.entries(value).map(([key, member]) => {
    if (key === 'rules' && !isRule && Array.isArray(member)) return [key, member.map((rule) => toOptions(rule, true))];
    if (key === 'expect' && !isRule) return [key, toOptions(member, true)];
    return [camelCase(key), member];
  });
  return Object.fromEntries(members);
}

/** A problem of a document as one of options. */
function inOptionsWords(problem) {
  const isOfKey = KEY_PROBLEMS.includes(problem.code);
  return {
    ...problem,
    ...(problem.path !== undefined && { path: camelCase(problem.path) }),
    ...(isOfKey && typeof problem.value === 'string' && { value: camelCase(problem.value) }),
    ...(isOfKey && typeof problem.suggestion === 'string' && { suggestion: camelCase(problem.suggestion) }),
  };
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
