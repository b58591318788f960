// Memory stays where it is, over many requests and many policies.
//
// CORSAC_REQUESTS and CORSAC_SWAPS say how many (50,000 and 1,000); the long suite has more.

import assert from 'node:assert/strict';
import { Agent, createServer, request } from 'node:http';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import v8 from 'node:v8';
import vm from 'node:vm';

import corsac from '../../bindings/node/index.js';

const REQUESTS = Number(process.env.CORSAC_REQUESTS ?? 50_000);
const SWAPS = Number(process.env.CORSAC_SWAPS ?? 1_000);
const MIB = 1 << 20;

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc');
const turn = () => new Promise((done) => setImmediate(done));

/** Heap and RSS after everything was collected that can be. */
async function memory() {
  for (let round = 0; round < 5; round += 1) {
    collect();
    await turn();
  }
  const { heapUsed, rss, external } = process.memoryUsage();
  return { heap: heapUsed, rss, external };
}

describe('memory', { timeout: 3_600_000 }, () => {
  test(`${REQUESTS} requests over sockets`, async () => {
    const ORIGIN = (n) => `https://app-${n % 700}.example.com`;
    const policy = new corsac.Policy({ allowOrigins: ['https://*.example.com'], allowMethods: ['PUT'], allowHeaders: ['x-token'], allowCredentials: true });
    const handle = corsac.express(policy);
    const server = createServer((req, res) =>
      handle(req, res, () => {
        res.setHeader('Vary', 'Accept-Encoding');
        if (req.url === '/own') res.writeHead(200, { 'Access-Control-Allow-Origin': '*' });
        res.end('ok');
      }),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    const ask = (n) =>
      new Promise((resolve, reject) => {
        const preflight = n % 5 === 0;
        const headers = n % 7 === 0 ? {} : { origin: n % 3 === 0 ? `https://evil-${n}.test` : ORIGIN(n) };
        if (preflight) Object.assign(headers, { 'access-control-request-method': n % 10 ? 'PUT' : 'DELETE', 'access-control-request-headers': n % 2 ? 'x-token' : `x-${n}` });
        const options = { host: '127.0.0.1', port, agent, method: preflight ? 'OPTIONS' : 'GET', path: n % 11 ? '/' : '/own', headers };
        request(options, (res) => res.resume().on('end', resolve).on('error', reject)).on('error', reject).end();
      });
    const run = async (from, to) => {
      let next = from;
      const one = async () => {
        while (next < to) await ask(next++);
      };
      await Promise.all(Array.from({ length: 8 }, one));
    };
    const warm = Math.min(10_000, REQUESTS / 5);
    await run(0, warm);
    const before = await memory();
    await run(warm, REQUESTS);
    const after = await memory();
    agent.destroy();
    server.close();
    assert(after.heap - before.heap < 4 * MIB, `the heap has grown by ${(after.heap - before.heap) / MIB} MiB`);
    assert(after.rss - before.rss < 48 * MIB, `the process has grown by ${(after.rss - before.rss) / MIB} MiB`);
  });

  test(`${SWAPS} policies, one after the other, each in use`, async () => {
    const text = (seed) => JSON.stringify({ allow_origins: Array.from({ length: 20_000 }, (_, n) => `https://app-${seed}-${n}.example.com`), max_age: seed });
    const texts = [1, 2, 3].map(text);
    const cell = new corsac.PolicyCell(corsac.Policy.fromJSON(texts[0]));
    const use = (n) => {
      const { policy } = cell;
      assert.equal(policy.evaluate('GET', ['Origin', `https://app-${(n % 3) + 1}-7.example.com`]).allowed, true);
      assert.equal(policy.allowsOrigin('https://evil.test'), false);
      assert.equal(policy.warnings.length, 0);
    };
    const run = async (count) => {
      for (let n = 0; n < count; n += 1) {
        cell.policy = corsac.Policy.fromJSON(texts[n % 3]);
        use(n);
        // Finalizers run between turns, as they do in a server.
        await turn();
      }
    };
    await run(Math.min(100, SWAPS / 5));
    const before = await memory();
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20);
    await run(SWAPS);
    clearInterval(watch);
    const after = await memory();
    assert(after.heap - before.heap < 4 * MIB, `the heap has grown by ${(after.heap - before.heap) / MIB} MiB`);
    assert(after.rss - before.rss < 64 * MIB, `the process has grown by ${(after.rss - before.rss) / MIB} MiB`);
    // Each is more than a MiB: were the collector not told, it would let hundreds of them pile up.
    assert(most - before.rss < 256 * MIB, `in between it was ${(most - before.rss) / MIB} MiB larger`);
  });

  test('shared policies that are released', async () => {
    const text = JSON.stringify({ allow_origins: Array.from({ length: 20_000 }, (_, n) => `https://app-${n}.example.com`) });
    const run = async (count) => {
      for (let n = 0; n < count; n += 1) {
        const handle = corsac.Policy.fromJSON(text).share();
        corsac.Policy.from(handle).evaluate('GET', []);
        corsac.Policy.release(handle);
        await turn();
      }
    };
    await run(50);
    const before = await memory();
    await run(Math.min(SWAPS, 300));
    const after = await memory();
    assert(after.rss - before.rss < 64 * MIB, `the process has grown by ${(after.rss - before.rss) / MIB} MiB`);
  });
});
