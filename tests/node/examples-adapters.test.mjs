// The example servers of Fastify, Koa and Hono, over sockets: what their users copy is right.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { corsOf, varyOf } from './behaviours.mjs';
import { send } from './client.mjs';

const ORIGIN = 'https://app.example.com';
const folder = mkdtempSync(path.join(tmpdir(), 'corsac-'));
after(() => rmSync(folder, { recursive: true }));
const policy = path.join(folder, 'policy.json');
writeFileSync(policy, JSON.stringify({ allow_origins: [ORIGIN], allow_methods: ['PUT'], expose_headers: ['x-total-count'] }));
const broken = path.join(folder, 'broken.json');
writeFileSync(broken, '{"allow_origins": ["https://a.example/"],\n "max_age": true}');

const env = { ...process.env, NODE_PATH: fileURLToPath(new URL('node_modules', import.meta.url)) };
const example = (name) => fileURLToPath(new URL(`../../bindings/node/examples/${name}.cjs`, import.meta.url));
const granted = { 'access-control-allow-origin': [ORIGIN], 'access-control-expose-headers': ['x-total-count'] };

for (const name of ['fastify', 'koa', 'hono']) {
  describe(`the example server of ${name}`, { timeout: 60_000 }, () => {
    test('covers everything that the application does, tells what it was asked, and ends when it is told to', async () => {
      const child = spawn(process.execPath, [example(name), '--policy', policy], { env, stdio: ['ignore', 'pipe', 'inherit'] });
      try {
        const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
        const port = Number(/^listening http:\/\/127\.0\.0\.1:(\d+)$/.exec((await lines.next()).value)[1]);
        for (const [target, status] of [['/', 200], ['/status/204', 204], ['/status/404', 404], ['/status/418', 418], ['/status/500', 500], ['/redirect', 302], ['/stream', 200]]) {
          const response = await send(port, 'GET', target, [`Origin: ${ORIGIN}`, `Cookie: a`]);
          assert.deepEqual([response.status, corsOf(response.headers)], [status, granted], target);
          assert(varyOf(response.headers).includes('origin'), target);
          if (status === 200) assert.deepEqual(JSON.parse(response.body), { ok: true, server: name });
          if (target === '/stream') assert.deepEqual(response.headers['transfer-encoding'], ['chunked']);
          if (target === '/redirect') assert.deepEqual(response.headers.location, ['/landed']);
          const line = JSON.parse((await lines.next()).value);
          assert.deepEqual([line.target, line.reason, line.cookie], [target, 'allowed', 'a']);
          const stranger = await send(port, 'GET', target, ['Origin: https://evil.test']);
          assert.deepEqual([stranger.status, corsOf(stranger.headers)], [status, {}], target);
          assert.equal(JSON.parse((await lines.next()).value).reason, 'origin-not-allowed');
        }
        const preflight = await send(port, 'OPTIONS', '/status/500', [`Origin: ${ORIGIN}`, 'Access-Control-Request-Method: PUT']);
        assert.deepEqual([preflight.status, preflight.headers['access-control-allow-methods']], [204, ['GET,HEAD,POST,PUT']]);
      } finally {
        child.kill('SIGTERM');
      }
      const [code] = await once(child, 'exit');
      assert.equal(code, 0);
    });

    test('tells everything that is wrong with a policy and exits with 2', () => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [example(name), '--policy', broken], { env, encoding: 'utf8' });
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, /:1:20: origin-with-trailing-slash: allow_origins\[0\]: .*\n.*:2:13: wrong-type: max_age: .*\n$/);
    });
  });
}
