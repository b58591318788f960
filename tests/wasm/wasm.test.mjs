// What the WebAssembly package promises beyond the Node package, whose tests it passes too (run.sh).

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';

import * as corsac from '../../bindings/wasm/dist/index.mjs';
import * as esm from '../../bindings/wasm/dist/load.mjs';

const dist = fileURLToPath(new URL('../../bindings/wasm/dist/', import.meta.url));
const tools = fileURLToPath(new URL('../node/node_modules/.bin/', import.meta.url));
const require = createRequire(dist);
const { load } = require(`${dist}/load.cjs`);
const bytes = readFileSync(`${dist}/corsac.wasm`);
const module = new WebAssembly.Module(bytes);

const ORIGIN = 'https://app.example.com';
const OPTIONS = { allowOrigins: [ORIGIN], allowMethods: ['PUT'], allowCredentials: true };
const PREFLIGHT = ['Origin', ORIGIN, 'Access-Control-Request-Method', 'PUT'];

describe('the package', () => {
  test('is one instance for import and require, with the names of the Node package', async () => {
    const required = require(dist);
    const names = Array.from(readFileSync(new URL('../../bindings/node/index.js', import.meta.url), 'utf8').matchAll(/^exports\.(\w+)/gm), ([, name]) => name);
    assert(names.includes('Policy') && names.includes('version'));
    assert.deepEqual(Object.keys(required).sort(), names.sort());
    for (const name of names) assert.equal(corsac[name], required[name]);
    assert.equal(corsac.default, required);
    const workerd = readFileSync(`${dist}/workerd.mjs`, 'utf8');
    for (const name of names) assert.match(workerd, new RegExp(`\\b${name}\\b`));
  });

  test('has the version of the workspace', () => {
    const manifest = JSON.parse(readFileSync(`${dist}/package.json`, 'utf8'));
    assert.equal(/^version = "(.*)"$/m.exec(readFileSync(new URL('../../Cargo.toml', import.meta.url), 'utf8'))[1], manifest.version);
    assert.equal(corsac.version, manifest.version);
  });

  test('has types that every resolver finds, and no fault that publint knows', () => {
    const run = (name, ...args) => execFileSync(path.join(tools, name), args, { cwd: dist, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '', npm_config_offline: 'true' } });
    run('attw', '--pack', '.', '--format', 'ascii', '--exclude-entrypoints', './corsac.wasm', './package.json');
    run('publint', '--strict', '.');
  });
});

describe('load', () => {
  test('takes a module and nothing else', () => {
    for (const wrong of [undefined, null, {}, bytes, 'corsac.wasm', WebAssembly.Module, new WebAssembly.Instance(module, { corsac: { random: () => 1 } })]) {
      for (const each of [load, esm.load]) assert.throws(() => each(wrong), { name: 'TypeError', message: /^module is no WebAssembly\.Module: compile corsac\.wasm/ });
    }
    // The smallest module there is.
    assert.throws(() => load(new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0))), Error);
  });

  test('refuses a module of another version', () => {
    const other = Buffer.from(bytes);
    const version = Buffer.from(corsac.version);
    let replaced = 0;
    // Wherever it stands: it has the length of the right one.
    for (let index = other.indexOf(version); index >= 0; index = other.indexOf(version, index + 1)) {
      other.write('9.9.9', index);
      replaced += 1;
    }
    assert(replaced > 0 && version.length === 5);
    assert.throws(() => load(new WebAssembly.Module(other)), { message: `corsac: corsac.wasm is of version 9.9.9, and the JavaScript that loads it of ${corsac.version}` });
  });

  test('makes an instance of its own each time', () => {
    const [one, other] = [load(module), esm.load(module)];
    const policy = new one.Policy(OPTIONS);
    assert.equal(policy.evaluate('OPTIONS', PREFLIGHT).allowed, true);
    assert.notEqual(one.Policy, other.Policy);
    assert.throws(() => new other.PolicyCell(policy), TypeError);
  });
});

/** The package where there is nothing but JavaScript and what is given. */
function loadWith(globals) {
  const bundle = readFileSync(`${dist}/load.mjs`, 'utf8').replace(/\nexport \{ load \};\n$/, '\nload');
  return vm.runInNewContext(bundle, globals)(module);
}

describe('without anything of Node', () => {
  const bare = loadWith({ WebAssembly, TextEncoder, TextDecoder, URL, Headers, Request, Response, crypto });

  test('policies decide, and tell what is wrong', () => {
    const policy = new bare.Policy(OPTIONS);
    assert.equal(String(policy.evaluate('OPTIONS', PREFLIGHT)), `preflight allowed allowed rule=0 origin="${ORIGIN}" method="PUT" headers=""`);
    assert.throws(() => bare.Policy.fromJSON('{"allow_origins":["https://a.example/"]}'), (error) => error.problems[0].code === 'origin-with-trailing-slash');
    assert.throws(() => bare.Policy.fromJSON('"\ud800'), (error) => error.problems[0].code === 'not-utf-8');
    assert.equal(bare.explain({ page_origin: 'https://evil.example', request: { url: 'https://api.example.com/' } }, policy).readable, false);
  });

  test('a fetch server answers', async () => {
    const handle = bare.fetch(new bare.Policy(OPTIONS));
    const request = new Request('http://localhost/', { headers: { Origin: ORIGIN } });
    const response = await handle(request, () => new Response('ok', { headers: { 'Access-Control-Allow-Origin': '*' } }));
    assert.deepEqual([await response.text(), response.headers.get('access-control-allow-origin')], ['ok', ORIGIN]);
    const refused = await handle(new Request('http://localhost/', { headers: { Origin: 'https://evil.test' } }), () => new Response('ok'));
    assert.equal(refused.headers.get('access-control-allow-origin'), null);
    const preflight = new Request('http://localhost/', { method: 'OPTIONS', headers: { Origin: ORIGIN, 'Access-Control-Request-Method': 'PUT' } });
    assert.equal((await handle(preflight, assert.fail)).status, 204);
  });

  test('a file is refused, and how else to make a policy is told', () => {
    assert.throws(() => bare.Policy.fromFile('policy.json'), /this runtime has no files: use Policy\.fromJSON/);
  });
});

test('there is no policy without randomness', () => {
  const bare = loadWith({ WebAssembly, TextEncoder, TextDecoder });
  assert.throws(() => new bare.Policy(OPTIONS), (error) => error instanceof bare.PolicyError && /random/.test(error.problems[0].message));
});

/** The package on instances that are watched: `spied.instances` have their functions, which `spied.wrap` may change. */
function spy(globals = {}) {
  const spied = { instances: [], wrap: (name, call) => call };
  class Instance {
    constructor(...args) {
      const real = new WebAssembly.Instance(...args);
      const functions = Object.entries(real.exports).map(([name, value]) =>
        [name, typeof value === 'function' ? (...values) => spied.wrap(name, value)(...values) : value]);
      spied.instances.push(real.exports);
      this.exports = Object.fromEntries(functions);
    }
  }
  const corsac = loadWith({ WebAssembly: { Instance }, TextEncoder, TextDecoder, URL, Headers, Request, Response, FinalizationRegistry, crypto, ...globals });
  return { spied, corsac };
}

describe('a trap', () => {
  const trap = () => {
    throw new WebAssembly.RuntimeError('unreachable');
  };

  test('grants nothing, and the next request is decided by another instance', () => {
    const { spied, corsac } = spy();
    const policy = new corsac.Policy(OPTIONS);
    const other = new corsac.Policy({ allowOrigins: '*' });
    let count = spied.instances.length;
    for (const [name, ask] of [
      ['decide', () => assert.throws(() => policy.evaluate('OPTIONS', PREFLIGHT), { message: 'corsac: no decision could be made' })],
      ['allows_origin', () => assert.equal(policy.allowsOrigin(ORIGIN), false)],
      ['document', () => assert.throws(() => policy.document(), { name: 'RangeError' })],
      ['compile', () => assert.throws(() => new corsac.Policy(OPTIONS), /^Error: corsac: the WebAssembly module failed: unreachable$/)],
      ['simulate', () => assert.throws(() => corsac.browser.simulate({}), /^Error: corsac: the WebAssembly module failed/)],
    ]) {
      const used = spied.instances.at(-1);
      spied.wrap = (called, call) => (called === name ? trap : call);
      ask();
      let touched = false;
      spied.wrap = (called, call) => {
        touched ||= call === used[called];
        return call;
      };
      assert.equal(policy.evaluate('OPTIONS', PREFLIGHT).allowed, true);
      assert.equal(other.evaluate('GET', ['Origin', 'https://else.example']).allowed, true);
      assert.equal(policy.allowsOrigin('https://evil.test'), false);
      assert(!touched, 'the instance that trapped was called again');
      count += 1;
      assert.equal(spied.instances.length, count, name);
    }
  });

  test('in a server leaves no header of CORS', async () => {
    const { spied, corsac } = spy();
    const handle = corsac.fetch(new corsac.Policy(OPTIONS));
    const ask = (method, headers) => handle(new Request('http://localhost/', { method, headers }), () => new Response('application', { headers: { 'Access-Control-Allow-Origin': '*' } }));
    spied.wrap = (called, call) => (called === 'decide' ? trap : call);
    const forwarded = await ask('GET', { Origin: ORIGIN });
    assert.deepEqual([forwarded.status, await forwarded.text(), forwarded.headers.get('access-control-allow-origin')], [200, 'application', null]);
    const responded = await ask('OPTIONS', { Origin: ORIGIN, 'Access-Control-Request-Method': 'PUT' });
    assert.deepEqual([responded.status, responded.headers.get('access-control-allow-origin')], [500, null]);
    spied.wrap = (called, call) => call;
    assert.equal((await ask('GET', { Origin: ORIGIN })).headers.get('access-control-allow-origin'), ORIGIN);
  });

  test('for want of stack, wherever it is, leaves policies as they were', () => {
    const policy = new corsac.Policy(OPTIONS);
    let failures = 0;
    // From every depth near the end of the stack.
    const descend = () => {
      let deepest = false;
      try {
        deepest = descend() === undefined;
      } catch {
        deepest = true;
      }
      if (deepest && failures < 500) {
        try {
          const decision = policy.evaluate('OPTIONS', PREFLIGHT);
          assert.equal(decision.allowed, true);
          return true;
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error;
          failures += 1;
          return undefined;
        }
      }
      return true;
    };
    descend();
    assert(failures > 0);
    assert.equal(policy.evaluate('OPTIONS', PREFLIGHT).allowed, true);
    assert.equal(policy.evaluate('OPTIONS', ['Origin', 'https://evil.test', 'Access-Control-Request-Method', 'PUT']).allowed, false);
  });
});

test('where randomness comes with the first request only, policies are made again then', () => {
  let isRefused = true;
  const getRandomValues = (array) => {
    if (isRefused) throw new Error('generating random values is not allowed within global scope');
    return crypto.getRandomValues(array);
  };
  const { spied, corsac } = spy({ crypto: { getRandomValues } });
  const policy = new corsac.Policy(OPTIONS);
  assert.equal(policy.evaluate('OPTIONS', PREFLIGHT).allowed, true);
  assert.equal(spied.instances.length, 1);
  isRefused = false;
  const compiled = [];
  spied.wrap = (name, call) => {
    if (name === 'compile') compiled.push(spied.instances.length);
    return call;
  };
  for (let time = 0; time < 3; time += 1) assert.equal(policy.evaluate('OPTIONS', PREFLIGHT).allowed, true);
  assert.equal(spied.instances.length, 2);
  assert.deepEqual(compiled, [2]);
});

describe('memory', () => {
  const collect = vm.runInNewContext('gc');

  test('stays where it is over a million requests', () => {
    const { spied, corsac } = spy();
    const policy = new corsac.Policy({ allowOrigins: ['https://*.example.com'], allowHeaders: '*', allowMethods: ['PUT'], allowCredentials: true });
    const ask = (from, to) => {
      for (let n = from; n < to; n += 1) {
        policy.evaluate('OPTIONS', ['Origin', `https://${n % 9 === 0 ? 'x'.repeat(n % 900) : `a${n}`}.example.com`, 'Access-Control-Request-Method', 'PUT', 'Access-Control-Request-Headers', `x-${n % 1000}`]);
      }
    };
    ask(0, 10_000);
    const [{ memory }] = spied.instances;
    const before = memory.buffer.byteLength;
    ask(10_000, 1_000_000);
    assert.equal(memory.buffer.byteLength, before);
    assert.equal(spied.instances.length, 1);
  });

  test('is given back by policies that nobody has any more', async () => {
    const { spied, corsac } = spy();
    const text = JSON.stringify({ allow_origins: Array.from({ length: 20_000 }, (_, n) => `https://app-${n}.example.com`) });
    const [{ memory, external_memory: used }] = spied.instances;
    const kept = new corsac.Policy(OPTIONS);
    for (let n = 0; n < 200; n += 1) {
      assert.equal(corsac.Policy.fromJSON(text).evaluate('GET', ['Origin', 'https://app-7.example.com']).allowed, true);
      if (n % 10 === 9) collect();
      await nextTurn();
    }
    for (let turn = 0; turn < 100 && used() > text.length / 4; turn += 1) {
      collect();
      await nextTurn();
    }
    assert(used() > 0 && used() < text.length / 4, `${used()} bytes are held`);
    assert(memory.buffer.byteLength < 100 * text.length, `${memory.buffer.byteLength} bytes`);
    assert.equal(kept.evaluate('OPTIONS', PREFLIGHT).allowed, true);
  });

  test('has the facts of one request, whatever their values do when they are read', () => {
    const native = require('../js/native.js')(module);
    const { decide } = native.compile(JSON.stringify({ allow_origins: [ORIGIN], allow_methods: ['PUT'], allow_headers: ['x-token'] }));
    const evil = Object.defineProperty(['x-token'], 0, { get: () => (decide('OPTIONS', 'https://evil.test', 'h'.repeat(400), undefined, 'PUT', 'x'.repeat(400)), 'x-token') });
    const wanted = decide('OPTIONS', ORIGIN, undefined, undefined, 'PUT', 'x-token');
    assert.equal(decide('OPTIONS', ORIGIN, undefined, undefined, 'PUT', evil), wanted);
    assert.notEqual(decide('OPTIONS', 'https://evil.test', undefined, undefined, 'PUT', evil), wanted);
  });

  test('is not written to outside of what is meant for it, whatever a request has', () => {
    const { spied, corsac } = spy();
    const policy = new corsac.Policy({ allowOrigins: ['https://*.example.com'], allowHeaders: '*', allowCredentials: true });
    // Which wants all of some facts, however long they are.
    const bucket = corsac.Policy.fromS3('[{"AllowedOrigins":["*x"],"AllowedMethods":["GET"],"AllowedHeaders":["*"]}]', { strict: true });
    const huge = 'x'.repeat(1 << 20);
    const odd = ['', '\0', '\ud800', '\uffff\u0100', 'é'.repeat(511), 'x'.repeat(511), 'x'.repeat(512), 'x'.repeat(513), 'x'.repeat(8192), 'x'.repeat(8193), huge];
    let ends = 0;
    let room = 1 << 16;
    spied.wrap = (name, call) => {
      if (name === 'reserve') return (length) => call((room = Math.max(length, 1 << 16)));
      if (!['decide', 'edits', 'line', 'rule_name', 'escaped_origin', 's3_answer'].includes(name)) return call;
      return (number, ...told) => {
        const length = told.reduce((sum, part) => sum + (part >= 0 ? part : part <= -4 ? -4 - part : 0), 0);
        assert(length <= room, `${length} bytes were written into ${room}`);
        if (room === 1 << 16) ends = Math.max(ends, length);
        return call(number, ...told);
      };
    };
    for (const a of odd) {
      for (const b of odd) {
        for (const lines of [[a], [a, b], Array(5000).fill(a), [...Array(9000).fill(' '), b, ...Array(9000).fill(a)]]) {
          if (lines.length > 2 && a === huge) continue;
          const headers = { origin: [ORIGIN, a][b.length % 2], host: b, 'sec-fetch-site': a, 'access-control-request-method': b, 'access-control-request-headers': lines, ':authority': [a, b] };
          String(policy.evaluate('OPTIONS', headers));
          String(bucket.evaluate('OPTIONS', headers));
          bucket.s3Error('OPTIONS', headers);
        }
      }
    }
    // Room that src/lib.rs keeps.
    assert(ends > 8192 && ends <= 1 << 16, `${ends} bytes were written`);
    assert.equal(room, 1 << 16, 'more room than is kept');
    assert.equal(bucket.evaluate('GET', { origin: huge }).allowed, true);
    assert.equal(policy.evaluate('GET', { origin: ORIGIN }).allowed, true);
    assert.equal(spied.instances.length, 1);
  });
});

test('nothing is shared between threads, and that is told', () => {
  const policy = new corsac.Policy(OPTIONS);
  const message = /^corsac: the WebAssembly build shares no policy between threads: send policy\.document\(\)/;
  assert.throws(() => policy.share(), { message });
  const cell = new corsac.PolicyCell(policy);
  assert.throws(() => cell.share(), { message });
  assert.equal(cell.evaluate('OPTIONS', PREFLIGHT).allowed, true);
  cell.policy = new corsac.Policy({ allowOrigins: '*' });
  assert.equal(cell.generation, 2);
  const id = 'e7d4b7b0-0d5a-4b8e-9f0e-000000000000';
  assert.throws(() => corsac.Policy.from({ corsac: 'policy', id }), /^Error: corsac: there is no policy for this handle/);
  assert.throws(() => corsac.PolicyCell.from({ corsac: 'cell', id, generation: new SharedArrayBuffer(4) }), /^Error: corsac: there is no cell for this handle/);
  assert.equal(corsac.Policy.release({ corsac: 'policy', id }), false);
});
