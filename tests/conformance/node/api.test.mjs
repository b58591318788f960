// What the Node package promises beyond the vectors: types, names, frozen results, memory, threads.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import v8 from 'node:v8';
import vm from 'node:vm';
import { Worker } from 'node:worker_threads';

import * as corsac from '../../../bindings/node/index.mjs';

const { Policy, PolicyError, Decision } = corsac;
const root = new URL('../../../bindings/node/', import.meta.url);
const require = createRequire(root);
const { internals } = require('./lib/policy.js');
const native = require('./lib/native.js');

const ORIGIN = 'https://app.example.com';
const policy = new Policy({
  allowOrigins: [ORIGIN],
  allowMethods: ['PUT'],
  allowHeaders: ['x-token'],
  allowCredentials: true,
});
const preflight = (method = 'PUT', headers = 'x-token', origin = ORIGIN) => [
  'Origin', origin, 'Access-Control-Request-Method', method, 'Access-Control-Request-Headers', headers,
];

function problemsOf(options) {
  try {
    new Policy(options);
  } catch (error) {
    assert(error instanceof PolicyError, error);
    return error.problems;
  }
  assert.fail('a policy was built');
}

describe('the module', () => {
  test('is one instance for import and require', async () => {
    const required = require('./index.js');
    for (const name of ['Policy', 'PolicyError', 'Decision', 'version']) assert.equal(corsac[name], required[name]);
    assert.deepEqual(Object.keys(corsac).sort(), Object.keys(required).sort());
  });

  test('resolves by its name from within, for import and require', async () => {
    assert.equal(require('corsac').Policy, Policy);
    const url = pathToFileURL(require.resolve('corsac')).href;
    assert.equal((await import(url)).default.Policy, Policy);
  });

  test('has the version of the package and of the workspace', () => {
    const workspace = readFileSync(new URL('../../Cargo.toml', root), 'utf8');
    assert.equal(corsac.version, require('./package.json').version);
    assert.equal(corsac.version, /^version = "(.*)"$/m.exec(workspace)[1]);
  });

  test('says how to build the native half where it is missing', () => {
    const copy = mkdtempSync(path.join(tmpdir(), 'corsac-'));
    after(() => rmSync(copy, { recursive: true }));
    for (const name of ['package.json', 'index.js', 'lib']) {
      cpSync(fileURLToPath(new URL(name, root)), path.join(copy, name), { recursive: true });
    }
    assert.throws(() => require(copy), /^Error: corsac: there is no native half for this platform: .*\.node in .*, which `node scripts\/build\.mjs` makes/);
    const { platform, arch } = process;
    const suffix = { linux: '-gnu', win32: '-msvc' }[platform] ?? '';
    writeFileSync(path.join(copy, `corsac.${platform}-${arch}${suffix}.node`), 'no library');
    assert.throws(() => require(copy), (error) => error.message.startsWith('corsac: ') && error.cause instanceof Error);
  });
});

describe('the package', () => {
  const run = (command, args, options) => {
    const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', ...options });
    assert.equal(status, 0, stderr);
    return stdout;
  };

  test('has the licences in it, which lie there only while it is packed', () => {
    const [{ files }] = JSON.parse(run('npm', ['pack', '--dry-run', '--json', '--loglevel=silent'], { cwd: fileURLToPath(root) }).replace(/^[^[]*/, ''));
    const names = files.map((file) => file.path);
    for (const name of ['LICENSE-MIT', 'LICENSE-APACHE', 'README.md', 'index.js', 'index.d.ts', 'lib/file.js']) assert(names.includes(name), name);
    assert(!names.some((name) => /^(src|types|node_modules|examples)\//.test(name)), names.join());
    assert(!existsSync(new URL('LICENSE-MIT', root)));
  });

  test('is built into a target folder that is relative to where the command was started', { skip: process.platform === 'win32' }, () => {
    const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'corsac-')));
    after(() => rmSync(folder, { recursive: true }));
    const seen = path.join(folder, 'seen');
    // A cargo that only tells how it was called.
    writeFileSync(path.join(folder, 'cargo'), `#!/bin/sh\necho "$CARGO_TARGET_DIR $*" >> '${seen}'\nexit 1\n`, { mode: 0o755 });
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, CARGO_TARGET_DIR: 'here' };
    const { status } = spawnSync(process.execPath, [fileURLToPath(new URL('scripts/build.mjs', root))], { cwd: folder, env });
    assert.notEqual(status, 0);
    assert.equal(readFileSync(seen, 'utf8'), `${folder}/here build --release --locked --quiet --package corsac-node\n`);
  });
});

describe('new Policy', () => {
  test('takes camelCase keys or snake_case keys', () => {
    const document = '{"allow_origins":["https://a.example"],"allow_methods":["PUT"],"allow_headers":["x-a"],"expose_headers":["x-b"],"max_age":5}';
    assert.equal(new Policy(JSON.parse(document)).document(), document);
    const options = { allowOrigins: ['https://a.example'], allowMethods: ['PUT'], allowHeaders: ['x-a'], exposeHeaders: ['x-b'], maxAge: 5 };
    assert.equal(new Policy(options).document(), document);
  });

  test('refuses a mixture, key by key', () => {
    const [first, second, ...more] = problemsOf({ allowOrigins: '*', allow_methods: '*', max_age: 5, maxAge: 5 });
    assert.deepEqual(more, []);
    assert.deepEqual({ ...first, message: '' }, {
      code: 'unknown-key', path: 'allow_methods', value: 'allow_methods', message: '', suggestion: 'allowMethods', line: null, column: null,
    });
    assert.match(first.message, /never a mixture, write "allowMethods"$/);
    assert.deepEqual([second.code, second.path, second.suggestion], ['unknown-key', 'max_age', null]);
    const [other] = problemsOf({ allow_origins: '*', maxAge: 5 });
    assert.deepEqual([other.code, other.path, other.suggestion], ['unknown-key', 'maxAge', 'max_age']);
  });

  test('names camelCase keys in problems and warnings', () => {
    const problems = problemsOf({ allowOrigins: 'https://a.example', allowMethod: [], exposeHeaders: '*', allowCredentials: 'true', maxAge: 99999 });
    assert.deepEqual(problems.map(({ path, suggestion }) => [path, suggestion]), [
      ['allowOrigins', '["https://a.example"]'],
      ['allowMethod', 'allowMethods'],
      ['allowCredentials', 'true'],
      ['maxAge', '86400'],
    ]);
    for (const { message } of problems) assert.doesNotMatch(message, /_/);
    const [missing] = problemsOf({ maxAge: 5 });
    assert.match(missing.message, /^allowOrigins is missing/);
    const { warnings } = new Policy({ allowOrigins: ['https://a.example', 'https://A.example:443'], allowMethods: ['put'], allowHeaders: ['content-type'] });
    assert.deepEqual(warnings.map(({ code, path, line, column }) => [code, path, line, column]), [
      ['duplicate', 'allowOrigins[1]', null, null],
      ['made-canonical', 'allowMethods[0]', null, null],
    ]);
  });

  test('leaves values in messages alone', () => {
    const [problem] = problemsOf({ allowOrigins: ['allow_origins max_age "max_age'] });
    assert.equal(problem.value, 'allow_origins max_age "max_age');
    assert.match(problem.message, /"allow_origins max_age \\"max_age"/);
  });

  test('takes camelCase keys in rules and everywhere', () => {
    const document = '{"name":"n","rules":[{"allow_origins":["https://a.example"],"allow_credentials":true,"timing_allow_origin":true,"dangerously_allow":["public-suffixes"],"name":"max_age"},{"allow_origins":"*","max_age":5}],"preflight_status":200,"refused_requests":"forbid","own_origins":["https://b.example"],"foreign_headers":"keep","expect":{"allow":["https://a.example"]},"acknowledge":["forbids-nobody"],"$schema":"s"}';
    assert.equal(new Policy(JSON.parse(document)).document(), document);
    assert.equal(new Policy({
      name: 'n',
      rules: [
        { allowOrigins: ['https://a.example'], allowCredentials: true, timingAllowOrigin: true, dangerouslyAllow: ['public-suffixes'], name: 'max_age', maxAge: undefined },
        { allowOrigins: '*', maxAge: 5, exposeHeaders: undefined },
      ],
      maxAge: undefined, preflightStatus: 200, refusedRequests: 'forbid', ownOrigins: ['https://b.example'], foreignHeaders: 'keep',
      expect: { allow: ['https://a.example'], refuse: undefined }, acknowledge: ['forbids-nobody'], $schema: 's',
    }).document(), document);
  });

  test('refuses a mixture at any depth', () => {
    const told = (options) => problemsOf(options).map(({ code, path, suggestion, message }) => [code, path, suggestion, /never a mixture/.test(message)]);
    const rule = { allowOrigins: ['https://a.example'] };
    assert.deepEqual(told({ rules: [rule, { ...rule, allow_methods: ['PUT'] }] }), [['unknown-key', 'rules[1].allow_methods', 'allowMethods', true]]);
    assert.deepEqual(told({ rules: [rule], preflight_status: 200 }), [['unknown-key', 'preflight_status', 'preflightStatus', true]]);
    assert.deepEqual(told({ rules: [{ allow_origins: ['https://a.example'] }], preflightStatus: 200 }), [['unknown-key', 'preflightStatus', 'preflight_status', true]]);
    assert.deepEqual(told({ preflightStatus: 200, rules: [{ allow_origins: ['https://a.example'] }] }), [
      ['missing-allow-origins', 'rules[0]', null, false],
      ['unknown-key', 'rules[0].allow_origins', 'allowOrigins', true],
    ]);
    assert.deepEqual(told({ ...rule, 'max age\0': 5 }), [['unknown-key', '["max age\\u0000"]', 'maxAge', false]]);
    assert.deepEqual(told({ ...rule, 'maxAge\0': 5, max_age: 5 }).map(([code, path]) => [code, path]), [
      ['unknown-key', '["maxAge\\u0000"]'], ['unknown-key', 'max_age'],
    ]);
  });

  test('names camelCase keys in problems of rules', () => {
    const problems = problemsOf({
      maxAge: 5,
      rules: [
        { allowOrigins: ['http://a_b.example'], preflightStatus: 200, allowMethod: [], 'x-y': 1 },
        { allowOrigins: ['null'], maxAge: '600', timingAllowOrigin: 'true' },
        5,
      ],
      expect: { alow: [], refuse: 'x' },
      refusedRequests: 'forbidd',
      ownOrigins: ['*'],
    });
    assert.deepEqual(problems.map(({ code, path, value, suggestion }) => [code, path, value, suggestion]), [
      ['key-beside-rules', 'maxAge', 'maxAge', null],
      ['top-level-key-in-rule', 'rules[0].preflightStatus', 'preflightStatus', null],
      ['unknown-key', 'rules[0].allowMethod', 'allowMethod', 'allowMethods'],
      ['unknown-key', 'rules[0]["x-y"]', 'x-y', null],
      ['null-origin', 'rules[1].allowOrigins[0]', 'null', null],
      ['wrong-type', 'rules[1].maxAge', '600', '600'],
      ['wrong-type', 'rules[1].timingAllowOrigin', 'true', 'true'],
      ['wrong-type', 'rules[2]', '5', null],
      ['unknown-key', 'expect.alow', 'alow', 'allow'],
      ['wrong-type', 'expect.refuse', 'x', problems[9].suggestion],
      ['unknown-value', 'refusedRequests', 'forbidd', 'forbid'],
      ['own-origin-not-exact', 'ownOrigins[0]', '*', null],
    ]);
    for (const { message } of problems) assert.doesNotMatch(message, /_/);
    assert.throws(() => new Policy({ rules: [{ allowOrigins: '*' }, { maxAge: 5n }] }), { name: 'TypeError', message: /^rules\[1\]\.maxAge is a bigint/ });
    assert.throws(() => new Policy({ rules: [{ 'x y': 5n }] }), { name: 'TypeError', message: /^rules\[0\]\["x y"\] is a bigint/ });
    assert.throws(() => new Policy({ allowOrigins: '*', expect: { allow: [() => 1] } }), { name: 'TypeError', message: /^expect\.allow\[0\] is a function/ });
  });

  test('reads each option once', () => {
    let reads = 0;
    const rule = { get allowOrigins() { reads += 1; return reads === 1 ? ['https://a.example'] : '*'; } };
    assert.equal(new Policy({ rules: [rule] }).document(), '{"rules":[{"allow_origins":["https://a.example"]}]}');
    assert.equal(reads, 1);
  });

  test('counts warnings beyond the first thousand', () => {
    const { warnings, warningsUnreported } = new Policy({ allowOrigins: Array(1101).fill('https://a.example') });
    assert.deepEqual([warnings.length, warningsUnreported], [1000, 100]);
    assert.equal(policy.warningsUnreported, 0);
  });

  test('takes undefined for absent and null for a problem', () => {
    assert.equal(new Policy({ allowOrigins: '*', allowMethods: undefined }).document(), '{"allow_origins":"*"}');
    assert.deepEqual(problemsOf({ allowOrigins: '*', maxAge: null }).map(({ code, path }) => [code, path]), [['wrong-type', 'maxAge']]);
    assert.deepEqual(problemsOf({ allowOrigins: undefined }).map(({ code }) => code), ['missing-allow-origins']);
  });

  test('tells wrong types that JSON knows as problems', () => {
    const wrong = (value) => problemsOf({ allowOrigins: '*', maxAge: value }).map(({ code, value, suggestion }) => [code, value, suggestion]);
    assert.deepEqual(wrong(600.5), [['wrong-type', '600.5', null]]);
    assert.deepEqual(wrong('600'), [['wrong-type', '600', '600']]);
    assert.deepEqual(wrong(1e21), [['max-age-out-of-range', '1000000000000000000000', '86400']]);
    assert.deepEqual(wrong(-1), [['max-age-out-of-range', '-1', '0']]);
    assert.deepEqual(wrong({ a: [] }), [['wrong-type', '{"a":[]}', null]]);
    assert.equal(new Policy({ allowOrigins: '*', maxAge: -0 }).document(), '{"allow_origins":"*","max_age":0}');
    assert.deepEqual(problemsOf({ allowOrigins: ['\ud800'] }).map(({ code }) => code), ['invalid-string']);
  });

  const cycle = {};
  cycle.cycle = cycle;
  const typeErrors = {
    'no object': [[undefined], /^options is undefined/],
    'null': [[null], /^options is null/],
    'a text': [['{}'], /Policy\.fromJSON reads text/],
    'an array': [[[]], /^options is an Array/],
    'a Map': [[new Map()], /^options is a Map/],
    'a policy': [[policy], /^options is an Object, not a plain object/],
    'a function': [[{ allowOrigins: () => true }], /^allowOrigins is a function/],
    'a function in a list': [[{ allowOrigins: ['https://a.example', () => true] }], /^allowOrigins\[1\] is a function/],
    'a regular expression': [[{ allowOrigins: [/a/] }], /^allowOrigins\[0\] is a RegExp/],
    'a symbol': [[{ allowOrigins: Symbol('a') }], /^allowOrigins is a symbol/],
    'a symbol as key': [[{ allowOrigins: '*', [Symbol('a')]: 1 }], /^options has the key Symbol\(a\)/],
    'a bigint': [[{ allowOrigins: '*', maxAge: 600n }], /^maxAge is a bigint/],
    'NaN': [[{ allowOrigins: '*', maxAge: NaN }], /^maxAge is NaN/],
    'a Set': [[{ allowOrigins: new Set(['https://a.example']) }], /^allowOrigins is a Set/],
    'a Date': [[{ allowOrigins: '*', maxAge: new Date() }], /^maxAge is a Date/],
    'a String object': [[{ allowOrigins: [new String('https://a.example')] }], /^allowOrigins\[0\] is a String/],
    'undefined in a list': [[{ allowOrigins: [undefined] }], /^allowOrigins\[0\] is undefined/],
    'a hole in a list': [[{ allowOrigins: Array(2) }], /^allowOrigins\[0\] is undefined/],
    'a cycle': [[{ allowOrigins: '*', maxAge: cycle }], /^maxAge(\.cycle)+ lies deeper than/],
    'a function deep inside': [[{ allowOrigins: '*', 'x-y': { a: [() => 1] } }], /^\["x-y"\]\.a\[0\] is a function/],
  };
  for (const [what, [args, message]] of Object.entries(typeErrors)) {
    test(`throws a TypeError for ${what}`, () => {
      assert.throws(() => new Policy(...args), { name: 'TypeError', message });
    });
  }

  test('takes objects of another realm and without a prototype', () => {
    assert.equal(new Policy(vm.runInNewContext('({ allowOrigins: ["https://a.example"] })')).document(), '{"allow_origins":["https://a.example"]}');
    assert.equal(new Policy(Object.assign(Object.create(null), { allowOrigins: '*' })).document(), '{"allow_origins":"*"}');
  });

  test('is not fooled by a key named __proto__', () => {
    const [problem] = problemsOf(JSON.parse('{"allowOrigins":"*","__proto__":{"maxAge":1}}'));
    assert.deepEqual([problem.code, problem.path], ['unknown-key', '__proto__']);
  });

  test('needs new', () => {
    assert.throws(() => Policy({ allowOrigins: '*' }), TypeError);
  });
});

describe('Policy.fromJSON and Policy.fromFile', () => {
  const text = '{\n  "allow_origins": ["https://é.example/"]\n}';

  test('tell lines and columns', () => {
    for (const given of [text, Buffer.from(text), new Uint8Array(Buffer.from(text)), Buffer.from(`..${text}`).subarray(2)]) {
      assert.throws(() => Policy.fromJSON(given), (error) => {
        assert.deepEqual(error.problems.map(({ line, column }) => [line, column]), [[2, 21]]);
        return true;
      });
    }
  });

  test('read bytes that are shared', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(21));
    shared.set(Buffer.from('{"allow_origins":"*"}'));
    assert.equal(Policy.fromJSON(shared).document(), '{"allow_origins":"*"}');
  });

  test('see what is no Unicode', () => {
    for (const given of ['{"allow_origins":["\ud800"]}', Buffer.from('{"allow_origins":["\xff"]}', 'latin1')]) {
      assert.throws(() => Policy.fromJSON(given), (error) => {
        assert.deepEqual(error.problems.map(({ code, line, column }) => [code, line, column]), [['not-utf-8', 1, 20]]);
        return true;
      });
    }
  });

  test('throw a TypeError for other types', () => {
    for (const given of [undefined, null, 5, {}, [], new Uint16Array(2), new ArrayBuffer(2)]) {
      assert.throws(() => Policy.fromJSON(given), { name: 'TypeError', message: /^text is .*, not a string or a Uint8Array$/ });
    }
    for (const given of [undefined, null, 0, {}]) {
      assert.throws(() => Policy.fromFile(given), { name: 'TypeError', message: /^path is .*, not a string or a URL$/ });
    }
  });

  test('read a file by path or URL, and name it in errors', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'corsac-'));
    after(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, 'policy.json');
    writeFileSync(file, '{"allow_origins":"*"}');
    assert.equal(Policy.fromFile(file).document(), '{"allow_origins":"*"}');
    assert.equal(Policy.fromFile(pathToFileURL(file)).document(), '{"allow_origins":"*"}');
    writeFileSync(file, text);
    assert.throws(() => Policy.fromFile(file), (error) => error instanceof PolicyError && error.message.startsWith(`${file}:2:21: allow_origins[0]: `));
    const missing = path.join(folder, 'missing.json');
    for (const [given, code, name] of [
      [missing, 'ENOENT', missing],
      [pathToFileURL(missing), 'ENOENT', missing],
      [folder, 'EISDIR', folder],
      [new URL('https://example.com/policy.json'), 'ERR_INVALID_URL_SCHEME', 'https://example.com/policy.json'],
      ['policy\0.json', 'ERR_INVALID_ARG_VALUE', 'policy\0.json'],
    ]) {
      assert.throws(() => Policy.fromFile(given), (error) => error.code === code && error.path === name && error.message.includes(name) && error.stack.includes(name));
    }
  });

  test('read files of any size', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'corsac-'));
    after(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, 'policy.json');
    for (const size of [0, 1, (1 << 16) - 1, 1 << 16, (1 << 16) + 1, 1 << 20]) {
      writeFileSync(file, '{"allow_origins":"*"}'.padEnd(size));
      assert.equal(Policy.fromFile(file).document(), '{"allow_origins":"*"}');
    }
    writeFileSync(file, '');
    assert.throws(() => Policy.fromFile(file), (error) => error.problems[0].code === 'invalid-json');
  });

  test('read no more than tells that a file is too large', { skip: process.platform === 'win32' }, () => {
    assert.throws(() => Policy.fromFile('/dev/zero'), (error) => {
      assert.deepEqual(error.problems.map(({ code }) => code), ['document-too-large']);
      return error.message.startsWith('/dev/zero:');
    });
  });

  test('read a pipe to its end', { skip: process.platform === 'win32' }, () => {
    const script = `process.stdout.write(require('corsac').Policy.fromFile('/dev/stdin').document())`;
    const document = JSON.stringify({ allow_origins: Array.from({ length: 5000 }, (_, n) => `https://app-${n}.example.com`) });
    const { stdout } = spawnSync('sh', ['-c', `cat | "${process.execPath}" -e "${script}"`], { cwd: fileURLToPath(root), input: document, encoding: 'utf8' });
    assert.equal(stdout, document);
  });

  test('make objects of a subclass', () => {
    class Mine extends Policy {
      label = 'mine';
      #secret = 5;
      constructor(options, ...more) {
        super(options);
        this.more = more.length;
      }
      get secret() {
        return this.#secret;
      }
    }
    const folder = mkdtempSync(path.join(tmpdir(), 'corsac-'));
    after(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, 'policy.json');
    writeFileSync(file, '{"allow_origins":"*"}');
    for (const mine of [new Mine({ allowOrigins: '*' }), Mine.fromJSON('{"allow_origins":"*"}'), Mine.fromFile(file)]) {
      assert(mine instanceof Mine && mine instanceof Policy);
      assert.deepEqual([mine.label, mine.more, mine.secret, mine.document()], ['mine', 0, 5, '{"allow_origins":"*"}']);
      assert.equal(mine.evaluate('GET', { origin: 'https://a.example' }).allowed, true);
      assert.equal(new corsac.PolicyCell(mine).policy, mine);
    }
    const { fromJSON } = Policy;
    for (const made of [fromJSON('{"allow_origins":"*"}'), ...['{"allow_origins":"*"}'].map(Policy.fromJSON), { fromJSON }.fromJSON('{"allow_origins":"*"}')]) {
      assert.equal(Object.getPrototypeOf(made), Policy.prototype);
      assert(Object.isFrozen(made));
    }
    assert.throws(() => Mine.fromJSON('{}'), PolicyError);
  });

  test('count problems beyond the first thousand', () => {
    assert.throws(() => new Policy({ allowOrigins: Array(1500).fill('x') }), (error) => {
      assert.deepEqual([error.problems.length, error.unreported], [1000, 500]);
      assert.match(error.message, /\n\(and 500 more\)$/);
      return true;
    });
  });
});

describe('evaluate', () => {
  const typeErrors = {
    'no method': [[undefined, []], /^method is undefined, not a string/],
    'a number as method': [[5, []], /^method is a number/],
    'no headers': [['GET'], /^headers is undefined/],
    'null as headers': [['GET', null], /^headers is null/],
    'text as headers': [['GET', 'Origin: x'], /^headers is a string/],
    'a function as headers': [['GET', () => {}], /^headers is a function/],
    'an odd number of raw headers': [['GET', ['Origin']], /odd length/],
    'a number in raw headers': [['GET', ['Origin', 5]], /^the value of Origin is a number, not a string$/],
    'a name in raw headers that is none': [['GET', [5, 'x']], /^headers\[0\] is a number/],
    'a pair among raw headers': [['GET', ['A', 'b', ['Origin', 'x'], 'y']], /^headers\[2\] is an Array/],
    'a string among pairs': [['GET', [['A', 'b'], 'Origin']], /^headers\[1\] is a string, not a pair of name and value/],
    'a pair of three': [['GET', [['A', 'b', 'c']]], /^headers\[0\] is an Array/],
    'undefined in raw headers': [['GET', ['Origin', undefined]], /^the value of Origin is undefined/],
    'a number in a pair': [['GET', [['Origin', 5]]], /^the value of Origin is a number/],
    'lines in a pair': [['GET', [['Origin', [ORIGIN]]]], /^the value of Origin is an Array/],
    'a number as value': [['GET', { origin: 5 }], /^the value of origin is a number, not a string or an array of strings/],
    'null as value': [['GET', { origin: null }], /^the value of origin is null/],
    'a number among values': [['GET', { origin: ['x', 5] }], /^the value of origin is a number/],
    'lines among values': [['GET', { origin: [[ORIGIN]] }], /^the value of origin is an Array/],
    ...Object.fromEntries(
      ['Access-Control-Request-Method', 'Access-Control-Request-Headers', 'Host', ':authority', 'Sec-Fetch-Site'].map((name) => [
        `a number as value of ${name}`, [['GET', { [name]: 5 }], /^the value of .* is a number/],
      ]),
    ),
    'a Map': [['GET', new Map([['Origin', ORIGIN]])], /^headers is a Map/],
    'bytes': [['GET', Buffer.from('Origin')], /^headers is a/],
    'the request instead of its headers': [['GET', new Request('http://localhost/')], /pass request\.headers/],
    'a request of node:http': [['GET', new IncomingMessage(null)], /pass request\.headers/],
    'an object that has headers': [['GET', { headers: { origin: ORIGIN } }], /pass request\.headers/],
  };
  for (const [what, [args, message]] of Object.entries(typeErrors)) {
    test(`throws a TypeError for ${what}`, () => {
      assert.throws(() => policy.evaluate(...args), { name: 'TypeError', message });
    });
  }

  test('throws a TypeError for a foreign this', () => {
    assert.throws(() => Policy.prototype.evaluate.call({}, 'GET', []), TypeError);
    assert.throws(() => Policy.prototype.allowsOrigin.call(Object.create(policy), ORIGIN), TypeError);
    assert.throws(() => Policy.prototype.document.call(null), TypeError);
    assert.throws(() => Policy.prototype.warnings, TypeError);
  });

  test('does not look at values of headers that are no facts', () => {
    const untouched = { X: 5, accept: {}, cookie: null, y: Symbol('y'), headers: null, 'x-z': [5, null] };
    assert.equal(policy.evaluate('GET', { ...untouched, ORIGIN }).allowed, true);
    assert.equal(policy.evaluate('GET', { headers: 'x', ORIGIN }).kind, 'actual');
    assert.equal(policy.evaluate('GET', { headers: ['x'], ORIGIN }).kind, 'actual');
    assert.equal(policy.evaluate('GET', [...Object.entries(untouched), ['Origin', ORIGIN]]).kind, 'actual');
    assert.equal(policy.evaluate('GET', [...Object.entries(untouched), ['Origin', ORIGIN]].flat()).kind, 'actual');
  });

  test('is not misled by what other objects inherit', () => {
    const inherited = Object.assign(Object.create({ headers: {}, origin: 'https://other.example' }), { ORIGIN });
    assert.equal(policy.evaluate('GET', inherited).allowed, true);
    Object.prototype.headers = {};
    try {
      assert.equal(policy.evaluate('GET', { ORIGIN }).allowed, true);
    } finally {
      delete Object.prototype.headers;
    }
  });

  test('takes :authority for Host where a request has both', () => {
    const decide = (headers) => policy.evaluate('POST', { origin: 'https://own.example', ...headers }).reason;
    assert.equal(decide({ host: 'other.example', ':authority': 'own.example' }), 'same-origin');
    assert.equal(decide({ host: 'own.example', ':authority': 'other.example' }), 'origin-not-allowed');
    assert.equal(decide({ host: 'own.example', ':authority': '' }), 'origin-not-allowed');
    assert.equal(decide({ host: 'own.example', ':authority': ['own.example', 'own.example'] }), 'origin-not-allowed');
    assert.equal(decide({ host: 'own.example', ':authority': [] }), 'same-origin');
  });

  test('gives every request without Origin the same decision', () => {
    for (const given of [policy, new Policy({ allowOrigins: '*' }), new Policy({ rules: [{ allowOrigins: [ORIGIN] }], refusedRequests: 'forbid' })]) {
      const { decide, notCors } = internals(given);
      const lines = ['PUT', 'x-a', 'own.example', 'own.example', 'same-origin'];
      for (const method of ['GET', 'OPTIONS', '']) {
        for (let mask = 0; mask < 1 << lines.length; mask += 1) {
          assert.equal(decide(method, undefined, ...lines.map((line, index) => (mask & (1 << index) ? line : undefined))), notCors);
        }
      }
    }
  });

  test('tells rules by index and name, of a hundred too', () => {
    const rules = Array.from({ length: 100 }, (_, index) => ({
      allowOrigins: [`https://r${index}.example`], allowMethods: ['PUT'], name: index % 2 ? `rule ${index} \u00e9\u{1f98a}` : undefined,
    }));
    const many = new Policy({ rules, name: 'not a rule', allowOrigins: undefined });
    assert.equal(internals(many).answers.length, 4 + 3 * 100);
    for (const [index, { name = null }] of rules.entries()) {
      const origin = `https://r${index}.example`;
      for (const [request, reason] of [
        [['GET', { origin }], 'allowed'],
        [['OPTIONS', preflight('PUT', '', origin)], 'allowed'],
        [['OPTIONS', preflight('PATCH', '', origin)], 'method-not-allowed'],
        [['OPTIONS', preflight('PUT', 'x-a', origin)], 'header-not-allowed'],
      ]) {
        const decision = many.evaluate(...request);
        assert.deepEqual([decision.rule, decision.ruleName, decision.reason], [index, name, reason]);
        assert.deepEqual(decision.headers.find(([, header]) => header === 'Access-Control-Allow-Origin')?.[2], origin);
      }
    }
    assert.deepEqual([many.evaluate('GET', { origin: 'https://r100.example' }).rule, many.evaluate('GET', {}).ruleName], [null, null]);
  });

  test('answers what is refused with 403 where the policy forbids', () => {
    const forbids = new Policy({ allowOrigins: [ORIGIN], refusedRequests: 'forbid', foreignHeaders: 'keep' });
    const refused = forbids.evaluate('GET', { origin: 'https://evil.test' });
    assert.deepEqual([refused.kind, refused.action, refused.status, refused.allowed], ['actual', 'respond', 403, false]);
    assert.deepEqual(refused.headers, [['vary', 'Vary', 'Origin']]);
    const own = forbids.evaluate('POST', { origin: 'https://own.example', host: 'own.example' });
    assert.deepEqual([own.action, own.status, own.headers], ['forward', 0, [['vary', 'Vary', 'Origin']]]);
    assert.deepEqual(forbids.evaluate('GET', {}).action, 'forward');
    assert.equal(forbids.evaluate('GET', { ORIGIN }).headers.filter(([op]) => op === 'remove').length, 6);
  });

  test('formats a decision as a line of the request it was made for', () => {
    const star = new Policy({ allowOrigins: '*', allowMethods: '*' });
    for (const given of [star, policy]) {
      const decisions = [];
      for (let turn = 0; turn < 4; turn += 1) {
        for (const origin of ['https://a.test', ORIGIN, ORIGIN]) {
          for (const headers of ['x-token', 'X-Token', 'x-token']) decisions.push([given.evaluate('OPTIONS', preflight('PUT', headers, origin)), origin, headers]);
        }
      }
      for (const [decision, origin, headers] of decisions) {
        assert(String(decision).endsWith(` origin="${origin}" method="PUT" headers="${headers}"`), String(decision));
      }
    }
    assert.equal(`${star.evaluate('GET', {})}`, 'not-cors allowed not-cors rule=-');
    assert.equal(String(star.evaluate('GET', { origin: ['a', 'b'] })), 'actual allowed allowed rule=0 origin=several');
    assert.equal(String(policy.evaluate('GET', { origin: 'x\u016d"\n' })), 'actual refused malformed-origin rule=- origin="x\\xff\\x22\\x0a"');
    assert.throws(() => Decision.prototype.toString.call({}), TypeError);
  });

  test('formats lines of any length', () => {
    for (const length of [127, 128, 129, 511, 512, 513, 8191, 8192, 8193, 100_000]) {
      const value = 'y'.repeat(length);
      const shown = `"${value.slice(0, 128)}"${length > 128 ? '...' : ''}`;
      assert.equal(String(policy.evaluate('GET', { origin: value })), `actual refused malformed-origin rule=- origin=${shown}`);
      assert(String(policy.evaluate('OPTIONS', preflight('PUT', value))).endsWith(` headers=${shown}`));
      assert(String(policy.evaluate('OPTIONS', preflight(value, 'x-a'))).endsWith(` method=${shown} headers="x-a"`));
    }
    const lines = (requested) => policy.evaluate('OPTIONS', { ORIGIN, 'Access-Control-Request-Method': 'PUT', 'Access-Control-Request-Headers': requested });
    assert(String(lines([...Array(10_000).fill(''), 'x-a', ...Array(10_000).fill(' '), 'x-b'])).endsWith(' headers="x-a, x-b"'));
    assert(String(lines(['x-a', 'x-b'])).endsWith(' headers="x-a, x-b"'));
    assert(String(lines(Array(100_000).fill('x-abcdefgh'))).endsWith('"'));
  });

  test('takes undefined and empty arrays for absent', () => {
    assert.equal(policy.evaluate('GET', { origin: undefined }).kind, 'not-cors');
    assert.equal(policy.evaluate('GET', { origin: [] }).kind, 'not-cors');
    assert.equal(policy.evaluate('GET', []).kind, 'not-cors');
    assert.equal(policy.evaluate('', {}).kind, 'not-cors');
  });

  test('reads names in any case, the same header twice as two lines', () => {
    assert.equal(policy.evaluate('GET', { ORIGIN }).allowed, true);
    assert.equal(policy.evaluate('GET', { ORIGIN, origin: ORIGIN }).reason, 'malformed-origin');
    assert.equal(policy.evaluate('GET', new Headers([['Origin', ORIGIN], ['Origin', ORIGIN]])).reason, 'malformed-origin');
  });

  test('gives frozen decisions that nothing can change', () => {
    const echo = new Policy({ allowOrigins: [ORIGIN], allowHeaders: '*', allowCredentials: true });
    for (const decision of [policy.evaluate('GET', []), policy.evaluate('GET', { ORIGIN }), policy.evaluate('OPTIONS', preflight()), echo.evaluate('OPTIONS', preflight())]) {
      assert(decision instanceof Decision);
      assert(Object.isFrozen(decision) && Object.isFrozen(decision.headers) && decision.headers.every(Object.isFrozen));
      assert.deepEqual(Object.keys(decision), ['kind', 'action', 'status', 'allowed', 'reason', 'rule', 'ruleName', 'headers']);
    }
    assert(Object.isFrozen(policy) && Object.isFrozen(policy.warnings));
    assert.throws(() => new Decision(), TypeError);
  });

  test('never gives one origin the decision of another', () => {
    const two = new Policy({ allowOrigins: ['https://a.example', 'https://b.example'] });
    for (let turn = 0; turn < 50; turn += 1) {
      const origin = `https://${'ab'[turn % 2]}.example`;
      const sent = two.evaluate('GET', { origin }).headers.find(([, name]) => name === 'Access-Control-Allow-Origin');
      assert.deepEqual(sent, ['set', 'Access-Control-Allow-Origin', origin]);
    }
  });
});

describe('hostile strings', () => {
  // Read as Latin-1, each would be what is allowed.
  const lookAlike = (text, index) => text.slice(0, index) + String.fromCharCode(text.charCodeAt(index) + 0x100) + text.slice(index + 1);
  const lookAlikes = (text) => Array.from(text, (_, index) => lookAlike(text, index));

  test('look-alike origins are malformed', () => {
    assert.equal(lookAlike('x.com', 4), 'x.co\u016d');
    for (const origin of lookAlikes(ORIGIN)) {
      assert.equal(policy.evaluate('GET', { origin }).reason, 'malformed-origin');
      assert.equal(policy.evaluate('OPTIONS', preflight('PUT', 'x-token', origin)).reason, 'malformed-origin');
      assert.equal(policy.allowsOrigin(origin), false);
    }
  });

  test('look-alike methods, requested methods and headers match nothing', () => {
    for (const method of lookAlikes('OPTIONS')) assert.equal(policy.evaluate(method, preflight()).kind, 'actual');
    for (const method of lookAlikes('PUT')) assert.equal(policy.evaluate('OPTIONS', preflight(method)).reason, 'malformed-request-method');
    for (const name of lookAlikes('x-token')) assert.equal(policy.evaluate('OPTIONS', preflight('PUT', name)).reason, 'malformed-request-headers');
  });

  test('look-alike hosts and fetch sites are not the same origin', () => {
    const origin = 'https://own.example';
    assert.equal(policy.evaluate('POST', { origin, host: 'own.example' }).reason, 'same-origin');
    assert.equal(policy.evaluate('POST', { origin, 'sec-fetch-site': 'same-origin' }).reason, 'same-origin');
    for (const host of lookAlikes('own.example')) assert.equal(policy.evaluate('POST', { origin, host }).allowed, false);
    for (const site of lookAlikes('same-origin')) {
      assert.equal(policy.evaluate('POST', { origin, host: 'own.example', 'sec-fetch-site': site }).allowed, false);
    }
  });

  test('look-alike header names are other headers', () => {
    for (const name of lookAlikes('origin')) assert.equal(policy.evaluate('GET', { [name]: ORIGIN }).kind, 'not-cors');
  });

  test('half surrogate pairs, NULs and line breaks match nothing', () => {
    for (const tail of ['\ud800', '\udc00', '\0', '\n', '\r\n', ' ', '\ud83d\ude00']) {
      assert.equal(policy.evaluate('GET', { origin: ORIGIN + tail }).reason, 'malformed-origin');
      assert.equal(policy.evaluate('OPTIONS', preflight(`PUT${tail}`)).reason, 'malformed-request-method');
    }
    assert.equal(policy.evaluate('OPTIONS', preflight('PUT', 'x-token\nx-token')).reason, 'malformed-request-headers');
  });

  test('values of any length are never cut', () => {
    const long = (length) => `https://${'a.'.repeat(length)}example.com`.slice(-length);
    for (const length of [510, 511, 512, 513, 514, 515, 1023, 1024, 8191, 8192, 8193, 100_000]) {
      assert.equal(policy.evaluate('GET', { origin: ORIGIN.padEnd(length, 'm') }).allowed, false);
      assert.equal(policy.evaluate('GET', { origin: long(length) }).reason, 'malformed-origin');
      assert.equal(policy.evaluate('OPTIONS'.padEnd(length), preflight()).kind, 'actual');
      assert.equal(policy.evaluate('OPTIONS', preflight('PUT'.padEnd(length))).reason, 'malformed-request-method');
      const named = 'x-token'.padEnd(length, ' ');
      assert.equal(policy.evaluate('OPTIONS', preflight('PUT', named)).reason, length > 8192 ? 'request-headers-too-large' : 'allowed');
      const other = `${','.repeat(200)}${'x-token'.padEnd(length - 201, ' ')}x`;
      const reason = length > 8192 ? 'request-headers-too-large' : 'malformed-request-headers';
      assert.equal(policy.evaluate('OPTIONS', preflight('PUT', other)).reason, reason);
    }
  });

  test('any number of lines is handled', () => {
    const lines = (count, line) => ({ ORIGIN, 'Access-Control-Request-Method': 'PUT', 'Access-Control-Request-Headers': Array(count).fill(line) });
    for (const [count, line, reason] of [
      [8, 'x-token', 'allowed'],
      [9, 'x-token', 'request-headers-too-large'],
      [256, '', 'allowed'],
      [257, '', 'request-headers-too-large'],
      [100_000, '', 'request-headers-too-large'],
      [8, 'x-token'.padEnd(1022), 'allowed'],
      [8, 'x-token'.padEnd(1023), 'request-headers-too-large'],
    ]) {
      assert.equal(policy.evaluate('OPTIONS', lines(count, line)).reason, reason, `${count} lines`);
    }
  });

  test('strings that V8 keeps in pieces are read whole', () => {
    const origin = ['https://', 'app', '.example', '.com'].reduce((a, b) => a + b);
    assert.equal(policy.evaluate('GET', { origin }).allowed, true);
    assert.equal(policy.evaluate('GET', { origin: `xx${ORIGIN}yy`.slice(2, -2) }).allowed, true);
    assert.equal(policy.evaluate('GET', { origin: Buffer.from(ORIGIN, 'utf16le').length && Buffer.from(ORIGIN).latin1Slice() }).allowed, true);
  });
});

describe('allowsOrigin', () => {
  test('wants strings and booleans', () => {
    assert.equal(policy.allowsOrigin(ORIGIN), true);
    assert.equal(policy.allowsOrigin(undefined), false);
    assert.equal(policy.allowsOrigin(null, false), false);
    for (const origin of [5, {}, [ORIGIN], new String(ORIGIN)]) assert.throws(() => policy.allowsOrigin(origin), TypeError);
    for (const credentials of [1, null, 'true']) assert.throws(() => policy.allowsOrigin(ORIGIN, credentials), TypeError);
  });
});

describe('the native functions', () => {
  const { decide, edits, line, ruleName, escapedOrigin, allowsOrigin, document } = internals(policy);

  test('grant nothing for arguments of other types, and never crash', () => {
    const odd = [undefined, null, 5, NaN, 5n, Symbol('x'), {}, [], [5], [[]], () => {}, new Proxy([], {}), new Date(), Array(3)];
    for (const a of odd) {
      // The method is asked for where it counts.
      assert.equal(decide(a, ORIGIN, undefined, undefined, 'PUT'), 0);
      assert.equal(edits(a, ORIGIN, undefined, undefined, 'PUT'), undefined);
      assert.equal(line(a, ORIGIN, undefined, undefined, 'PUT'), undefined);
      assert.equal(ruleName(a, ORIGIN, undefined, undefined, 'PUT'), undefined);
      assert.equal(escapedOrigin(a, ORIGIN, undefined, undefined, 'PUT'), undefined);
      assert.equal(allowsOrigin(a, true), false);
      assert.equal(allowsOrigin(ORIGIN, a), false);
      for (const b of odd) {
        const verdict = decide('OPTIONS', a, b, a, b, a, b);
        line('OPTIONS', ORIGIN, a, b, a, b, a);
        if (verdict !== 0) assert.doesNotMatch(JSON.stringify(internals(policy).answers[verdict >>> 18].edits), /"set"/);
        decide('OPTIONS', ORIGIN, b, a, 'PUT', a, b);
        decide('POST', 'https://other.example', a, b, a, b);
      }
    }
    assert.equal(decide(), internals(policy).notCors);
    assert.equal(decide('GET', ORIGIN, ...Array(100).fill('x')), decide('GET', ORIGIN));
  });

  test('take no notice of this', () => {
    assert.equal(decide.call(null, 'GET', ORIGIN), decide('GET', ORIGIN));
    assert.equal(Reflect.apply(document, new Map(), []), policy.document());
    assert.doesNotThrow(() => Reflect.construct(decide, ['GET', ORIGIN]));
  });

  test('pass on what an argument throws', () => {
    const lines = Object.defineProperty(['a', 'b'], 1, { get() { throw new RangeError('mine'); } });
    for (const read of [decide, edits, line, ruleName, escapedOrigin]) {
      assert.throws(() => read('OPTIONS', ORIGIN, undefined, undefined, 'PUT', lines), { name: 'RangeError', message: 'mine' });
    }
    assert.equal(policy.evaluate('OPTIONS', preflight()).allowed, true);
  });
});

describe('memory', () => {
  v8.setFlagsFromString('--expose-gc');
  const collectGarbage = vm.runInNewContext('gc');
  const large = JSON.stringify({ allow_origins: Array.from({ length: 20_000 }, (_, n) => `https://app-${n}.example.com`) });
  const external = () => native.externalMemory();

  /** Collects until `done`, since finalizers run in later turns. */
  async function collectUntil(done) {
    for (let turn = 0; turn < 100 && !done(); turn += 1) {
      collectGarbage();
      await nextTurn();
    }
    assert(done());
  }

  test('of a policy is known to the collector and given back', async () => {
    await collectUntil(() => true);
    const before = external();
    let policies = Array.from({ length: 10 }, () => Policy.fromJSON(large));
    const each = (external() - before) / policies.length;
    assert(each > large.length / 4, `a policy counts as ${each} bytes`);
    policies = null;
    await collectUntil(() => external() < before + each);
  });

  test('stays while one native function is used and goes with the last', async () => {
    const before = external();
    let { decide } = internals(Policy.fromJSON(large));
    const held = external() - before;
    for (let turn = 0; turn < 10; turn += 1) {
      collectGarbage();
      await nextTurn();
    }
    assert.notEqual(decide('GET', 'https://app-7.example.com'), 0);
    assert(external() - before > held / 2);
    decide = null;
    await collectUntil(() => external() - before < held / 2);
  });

  test('does not pile up when policies are swapped', async () => {
    const turns = 400;
    let current;
    let most = 0;
    const before = external();
    for (let turn = 0; turn < turns; turn += 1) {
      current = Policy.fromJSON(large);
      most = Math.max(most, external() - before);
      await nextTurn();
    }
    assert.equal(current.evaluate('GET', { origin: 'https://app-7.example.com' }).allowed, true);
    assert(most < (turns * large.length) / 2, `${most} bytes were held at once`);
  });
});

describe('threads', () => {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { Policy, PolicyError } = require(workerData);
    const policy = new Policy({ allowOrigins: ['https://*.example.com'] });
    let allowed = 0;
    for (let n = 0; n < 1000; n += 1) allowed += policy.evaluate('GET', { origin: 'https://a' + n + '.example.com' }).allowed;
    try { new Policy({}) } catch (error) { if (error instanceof PolicyError) allowed += 1 }
    parentPort.postMessage(allowed);
  `;

  test('each have the module', async () => {
    const workers = Array.from({ length: 4 }, () => new Worker(code, { eval: true, workerData: fileURLToPath(new URL('index.js', root)) }));
    const results = await Promise.all(workers.map((worker) => new Promise((resolve, reject) => {
      worker.on('message', resolve).on('error', reject);
    })));
    assert.deepEqual(results, [1001, 1001, 1001, 1001]);
    await Promise.all(workers.map((worker) => worker.terminate()));
    assert.equal(policy.evaluate('GET', { ORIGIN }).allowed, true);
  });

  test('can be ended in the middle', async () => {
    const endless = code.replace('n < 1000', 'n >= 0');
    const worker = new Worker(endless, { eval: true, workerData: fileURLToPath(new URL('index.js', root)) });
    await new Promise((resolve) => worker.on('online', () => setTimeout(resolve, 100)));
    await worker.terminate();
    assert.equal(policy.evaluate('GET', { ORIGIN }).allowed, true);
  });

  test('and processes end without a word', () => {
    const script = `
      const { Policy } = require(${JSON.stringify(fileURLToPath(new URL('index.js', root)))});
      globalThis.kept = Array.from({ length: 100 }, () => new Policy({ allowOrigins: '*' }));
    `;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
  });
});
