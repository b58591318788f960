// Policies and cells that worker threads share.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

import corsac from '../../bindings/node/index.js';

const { Policy, PolicyCell, PolicyFile } = corsac;
const ORIGIN = 'https://app.example.com';
const packageFolder = fileURLToPath(new URL('../../bindings/node', import.meta.url));
const UNKNOWN = { message: /there is no (policy|cell) for this handle/ };
const make = (maxAge) => new Policy({ allowOrigins: [ORIGIN], maxAge, name: 'shared' });

/** A worker whose text sees `corsac`, `parentPort` and `workerData`. */
function work(text, workerData, options) {
  const code = `const { parentPort, workerData } = require('node:worker_threads');
    const corsac = require(${JSON.stringify(packageFolder)});
    (async () => { ${text} })();`;
  return new Worker(code, { eval: true, workerData, ...options });
}

/** The first message of a worker, once it has exited. */
async function finish(worker) {
  const messages = [];
  worker.on('message', (message) => messages.push(message));
  const [code] = await once(worker, 'exit');
  assert.equal(code, 0);
  return messages[0];
}

describe('a shared policy', { timeout: 60_000 }, () => {
  test('decides in a worker as in the thread that has it', async () => {
    const policy = make(5);
    const handle = policy.share();
    const facts = ['OPTIONS', ['Origin', ORIGIN, 'Access-Control-Request-Method', 'GET']];
    const worker = work(
      `const policy = corsac.Policy.from(workerData.handle);
       parentPort.postMessage([policy.document(), policy.evaluate(...workerData.facts).headers, policy.evaluate(...workerData.facts).ruleName])`,
      { handle, facts },
    );
    const decision = policy.evaluate(...facts);
    assert.deepEqual(await finish(worker), [policy.document(), decision.headers, 'shared']);
    Policy.release(handle);
  });

  test('has the warnings that it had', () => {
    for (const policy of [
      new Policy({ allowOrigins: ['HTTPS://a.example'], allowMethods: ['GET'] }),
      new Policy({ allow_origins: ['HTTPS://a.example'], allow_methods: ['GET'] }),
      Policy.fromJSON('{"allow_origins": ["HTTPS://a.example"],\n "allow_methods": ["GET"]}'),
    ]) {
      const handle = policy.share();
      assert.equal(policy.warnings.length, 2);
      assert.deepEqual(Policy.from(handle).warnings, policy.warnings);
      // And so have those that it is shared with, at second hand.
      const again = Policy.from(handle).share();
      assert.deepEqual(Policy.from(again).warnings, policy.warnings);
      assert.deepEqual([Policy.release(handle), Policy.release(again)], [true, true]);
    }
  });

  test('outlives the thread that shared it', async () => {
    const worker = work(`parentPort.postMessage(new corsac.Policy({ allowOrigins: [${JSON.stringify(ORIGIN)}], maxAge: 7 }).share())`);
    const handle = await finish(worker);
    assert.match(Policy.from(handle).document(), /"max_age":7/);
    assert.equal(Policy.from(handle).evaluate('GET', ['Origin', ORIGIN]).allowed, true);
    assert.equal(Policy.release(handle), true);
  });

  test('stays with those that have it when it is released', () => {
    const policy = make(5);
    const handle = policy.share();
    assert.deepEqual(policy.share(), handle);
    const taken = Policy.from(handle);
    assert.equal(Policy.release(handle), true);
    assert.equal(Policy.release(handle), false);
    assert.throws(() => Policy.from(handle), UNKNOWN);
    assert.equal(taken.document(), policy.document());
    assert.deepEqual(Policy.from(policy.share()).document(), policy.document());
    assert.equal(Policy.release(policy.share()), true);
  });

  test('has a handle that can be cloned and that nobody guesses', () => {
    const handles = [make(1), make(1)].map((policy) => policy.share());
    assert.notEqual(handles[0].id, handles[1].id);
    assert.match(handles[0].id, /^[0-9a-f-]{36}$/);
    assert.deepEqual(structuredClone(handles[0]), handles[0]);
    assert.deepEqual(JSON.parse(JSON.stringify(handles[0])), handles[0]);
    assert.throws(() => Policy.from({ corsac: 'policy', id: '00000000-0000-4000-8000-000000000000' }), UNKNOWN);
    for (const handle of handles) Policy.release(handle);
  });

  test('has handles of one kind', () => {
    const cell = new PolicyCell(make(1));
    const [policyHandle, cellHandle] = [cell.policy.share(), cell.share()];
    assert.throws(() => Policy.from(cellHandle), { name: 'TypeError', message: 'handle is that of a cell, not of a policy' });
    assert.throws(() => PolicyCell.from(policyHandle), { name: 'TypeError', message: 'handle is that of a policy, not of a cell' });
    for (const wrong of [undefined, null, 5, 'id', {}, { id: 'x' }, { corsac: 'policy', id: 5 }, cell.policy]) {
      assert.throws(() => Policy.from(wrong), TypeError);
      assert.throws(() => PolicyCell.from(wrong), TypeError);
      assert.throws(() => Policy.release(wrong), TypeError);
    }
    assert.throws(() => PolicyCell.from({ ...cellHandle, generation: new ArrayBuffer(4) }), TypeError);
    assert.throws(() => PolicyCell.from({ ...cellHandle, generation: undefined }), TypeError);
    Policy.release(policyHandle);
    PolicyCell.release(cellHandle);
  });

  test('is freed when the last thread lets go of it', async () => {
    const native = (await import('../../bindings/node/lib/native.js')).default;
    const large = JSON.stringify({ allow_origins: Array.from({ length: 50_000 }, (_, n) => `https://app-${n}.example.com`) });
    const before = native.externalMemory();
    const worker = work(
      `const policy = corsac.Policy.fromJSON(workerData); parentPort.postMessage(policy.share()); parentPort.once('message', () => parentPort.close())`,
      large,
    );
    const [handle] = await once(worker, 'message');
    const policy = Policy.from(handle);
    assert(native.externalMemory() - before > 500_000, 'each thread tells its collector');
    Policy.release(handle);
    worker.postMessage('end');
    await once(worker, 'exit');
    assert.equal(policy.evaluate('GET', ['Origin', 'https://app-7.example.com']).allowed, true);
  });
});

describe('a shared cell', { timeout: 60_000 }, () => {
  test('tells every thread of a new policy, whoever assigns it', async () => {
    const cell = new PolicyCell(make(1));
    cell.policy = make(2);
    const handle = cell.share();
    assert.deepEqual([cell.generation, handle.corsac], [2, 'cell']);
    const worker = work(
      `const cell = corsac.PolicyCell.from(workerData);
       const told = () => [cell.generation, JSON.parse(cell.policy.document()).max_age];
       parentPort.postMessage(told());
       parentPort.on('message', (maxAge) => {
         if (maxAge === null) return parentPort.close();
         if (maxAge > 0) cell.policy = new corsac.Policy({ allowOrigins: '*', maxAge });
         parentPort.postMessage(told());
       });`,
      handle,
    );
    const ask = async (maxAge) => {
      worker.postMessage(maxAge);
      return (await once(worker, 'message'))[0];
    };
    assert.deepEqual((await once(worker, 'message'))[0], [2, 2]);
    const third = make(3);
    cell.policy = third;
    assert.equal(cell.policy, third);
    assert.deepEqual(await ask(0), [3, 3]);
    assert.deepEqual(await ask(4), [4, 4]);
    assert.deepEqual([cell.generation, JSON.parse(cell.policy.document()).max_age], [4, 4]);
    assert.notEqual(cell.policy, third);
    assert.equal(cell.policy, cell.policy);
    cell.policy = third;
    assert.deepEqual(await ask(0), [5, 3]);
    worker.postMessage(null);
    await once(worker, 'exit');
    PolicyCell.release(handle);
    assert.throws(() => PolicyCell.from(handle), UNKNOWN);
  });

  test('outlives the thread that shared it', async () => {
    const handle = await finish(work(`parentPort.postMessage(new corsac.PolicyCell(new corsac.Policy({ allowOrigins: '*', maxAge: 9 })).share())`));
    const [a, b] = [PolicyCell.from(handle), PolicyCell.from(handle)];
    a.policy = make(10);
    assert.equal(b.policy.document(), a.policy.document());
    assert.equal(PolicyCell.release(handle), true);
    b.policy = make(11);
    assert.match(a.policy.document(), /"max_age":11/);
  });

  test('is the same cell by the same handle, and never in between', async () => {
    const documents = [make(1), make(2)].map((policy) => policy.document());
    const cell = new PolicyCell(make(1));
    const handle = cell.share();
    const workers = [1, 2].map((maxAge) =>
      work(
        `const cell = corsac.PolicyCell.from(workerData.handle);
         const mine = new corsac.Policy({ allowOrigins: [${JSON.stringify(ORIGIN)}], maxAge: workerData.maxAge, name: 'shared' });
         const seen = new Set();
         for (let turn = 0; turn < 500; turn += 1) { cell.policy = mine; seen.add(cell.policy.document()); }
         parentPort.postMessage([...seen]);`,
        { handle, maxAge },
      ),
    );
    for (const seen of await Promise.all(workers.map(finish))) assert(seen.every((document) => documents.includes(document)), seen);
    assert.equal(cell.generation, 1001);
    assert.equal(cell.policy.document(), PolicyCell.from(handle).policy.document());
    PolicyCell.release(handle);
  });

  test('a file that is reloaded in one thread changes in all', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'corsac-'));
    const { writeFileSync } = await import('node:fs');
    const file = path.join(folder, 'policy.json');
    writeFileSync(file, '{"allow_origins":"*","max_age":1}');
    const owner = new PolicyFile(file);
    const other = PolicyCell.from(owner.share());
    writeFileSync(file, '{"allow_origins":"*","max_age":2}');
    owner.reload();
    assert.match(other.policy.document(), /"max_age":2/);
    writeFileSync(file, '{"allow_origins":"*","max_age":true}');
    assert.throws(() => owner.reload(), { name: 'PolicyError', message: new RegExp(`^${file}:1:32: max_age: `) });
    assert.match(other.policy.document(), /"max_age":2/);
    assert.equal(owner.path, file);
    rmSync(folder, { recursive: true });
    assert.throws(() => owner.reload(), { code: 'ENOENT' });
    assert.match(owner.policy.document(), /"max_age":2/);
    assert.throws(() => (owner.path = 'other'), TypeError);
  });
});

describe('workers that end', { timeout: 120_000 }, () => {
  test('in the middle of calls', async () => {
    const policy = make(5);
    const cell = new PolicyCell(policy);
    const data = { policy: policy.share(), cell: cell.share() };
    for (let round = 0; round < 20; round += 1) {
      const worker = work(
        `const policy = corsac.Policy.from(workerData.policy), cell = corsac.PolicyCell.from(workerData.cell);
         const own = new corsac.Policy({ allowOrigins: Array.from({ length: 1000 }, (_, n) => 'https://a' + n + '.example') });
         parentPort.postMessage('ready');
         for (let n = 0; ; n += 1) {
           own.evaluate('GET', ['Origin', 'https://a' + (n % 2000) + '.example']);
           policy.evaluate('OPTIONS', ['Origin', 'https://b' + n, 'Access-Control-Request-Method', 'PUT']);
           cell.policy = own;
           cell.policy.allowsOrigin('https://c' + n);
           corsac.Policy.fromJSON(own.document());
         }`,
        data,
      );
      await once(worker, 'message');
      await new Promise((done) => setTimeout(done, round));
      await worker.terminate();
      assert.equal(policy.evaluate('GET', ['Origin', ORIGIN]).allowed, true);
    }
    assert.equal(cell.policy.evaluate('GET', ['Origin', 'https://a1.example']).allowed, true);
    Policy.release(data.policy);
    PolicyCell.release(data.cell);
  });

  test('with a policy in use, one after the other', async () => {
    const handle = make(5).share();
    for (let round = 0; round < 10; round += 1) {
      const answered = work(
        `const policy = corsac.Policy.from(workerData);
         for (let n = 0; n < 1000; n += 1) policy.evaluate('GET', ['Origin', ${JSON.stringify(ORIGIN)}]);
         globalThis.policy = policy;
         parentPort.postMessage(policy.evaluate('GET', ['Origin', ${JSON.stringify(ORIGIN)}]).allowed);`,
        handle,
      );
      assert.equal(await finish(answered), true);
    }
    Policy.release(handle);
  });
});

describe('the package in two places', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'corsac-'));
  const copy = path.join(folder, 'corsac');
  cpSync(packageFolder, copy, { recursive: true, filter: (source) => !/node_modules|[\\/]src$|[\\/]npm$/.test(source) });

  test('works twice, and each knows what is its own', () => {
    const other = createRequire(import.meta.url)(copy);
    assert.notEqual(other.Policy, Policy);
    const [mine, theirs] = [make(1), new other.Policy({ allowOrigins: [ORIGIN] })];
    assert.equal(theirs.evaluate('GET', ['Origin', ORIGIN]).allowed, true);
    assert.throws(() => corsac.express(theirs), { name: 'TypeError', message: /^policy is an Object, not a Policy/ });
    assert.throws(() => new PolicyCell(theirs), TypeError);
    const [handle, theirHandle] = [mine.share(), theirs.share()];
    assert.throws(() => other.Policy.from(handle), UNKNOWN);
    assert.throws(() => Policy.from(theirHandle), UNKNOWN);
    assert.equal(Policy.release(theirHandle), false);
    assert.equal(other.Policy.from(theirHandle).document(), theirs.document());
    assert.equal(Policy.release(handle), true);
    rmSync(folder, { recursive: true });
  });
});
