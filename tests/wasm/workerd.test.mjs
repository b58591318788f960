// The package in workerd, the runtime of Cloudflare Workers: it loads no addon, compiles no WebAssembly from bytes, has no
// modules of Node unless it is told to, and no randomness before the first request.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('node_modules/@cloudflare/workerd-linux-64/bin/workerd', import.meta.url));
const dist = fileURLToPath(new URL('../../bindings/wasm/dist', import.meta.url));
const skip = existsSync(program) ? false : 'there is no workerd for this platform';

const WORKER = `
import * as corsac from 'corsac-wasm';

// As everybody writes it: before there is a request.
const policy = new corsac.Policy({ allowOrigins: ['https://app.example.com', 'https://*.example.org'], allowMethods: ['PUT'], allowCredentials: true });
const handle = corsac.fetch(policy);
let refused;
try {
  crypto.getRandomValues(new Uint8Array(1));
} catch (error) {
  refused = error.message;
}

export default {
  fetch: (request) => handle(request, () => Response.json(
    { refused, node: typeof process, line: String(policy.evaluate('GET', request.headers)), version: corsac.version },
    { headers: { 'Access-Control-Allow-Origin': '*' } },
  )),
};
`;

const config = (flags) => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:0", service = "main")],
);
const worker :Workerd.Worker = (
  modules = [
    (name = "worker", esModule = embed "worker.mjs"),
    (name = "corsac-wasm", esModule = embed "workerd.mjs"),
    (name = "load.mjs", esModule = embed "load.mjs"),
    (name = "corsac.wasm", wasm = embed "corsac.wasm"),
  ],
  compatibilityDate = "2026-01-01",
  compatibilityFlags = [${flags.map((flag) => JSON.stringify(flag)).join()}],
);
`;

for (const [name, flags, node] of [['alone', [], 'undefined'], ['with modules of Node', ['nodejs_compat'], 'object']]) {
  describe(`workerd ${name}`, { skip, timeout: 60_000 }, () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'corsac-'));
    let child;
    let port;
    before(async () => {
      writeFileSync(path.join(folder, 'worker.mjs'), WORKER);
      for (const file of ['workerd.mjs', 'load.mjs', 'corsac.wasm']) copyFileSync(path.join(dist, file), path.join(folder, file));
      writeFileSync(path.join(folder, 'config.capnp'), config(flags));
      child = spawn(program, ['serve', '--control-fd=1', path.join(folder, 'config.capnp')], { stdio: ['ignore', 'pipe', 'inherit'] });
      for await (const line of createInterface({ input: child.stdout })) {
        const event = JSON.parse(line);
        if (event.event === 'listen') ({ port } = event);
        break;
      }
      assert(port > 0, 'workerd does not listen');
    });
    after(() => {
      child?.kill();
      rmSync(folder, { recursive: true });
    });

    const ask = (method, headers) => new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port, method, headers }, async (res) => {
        const chunks = await res.toArray();
        resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(chunks).toString() });
      }).on('error', reject).end();
    });

    test('decides', async () => {
      for (const [origin, allowed] of [['https://app.example.com', true], ['https://a.example.org', true], ['https://evil.test', false], ['https://app.example.com.evil.test', false]]) {
        const { status, headers, body } = await ask('GET', { origin });
        assert.equal(status, 200);
        assert.equal(headers['access-control-allow-origin'], allowed ? origin : undefined);
        const { line, refused, node: seen } = JSON.parse(body);
        assert(line.startsWith(`actual ${allowed ? 'allowed' : 'refused'} `) && line.endsWith(`origin="${origin}"`), line);
        // What the test is about: it is like this there.
        assert.match(refused, /random values are not allowed within global scope/);
        assert.equal(seen, node);
      }
    });

    test('answers preflights', async () => {
      const preflight = (origin) => ask('OPTIONS', { origin, 'access-control-request-method': 'PUT' });
      const { status, headers } = await preflight('https://app.example.com');
      assert.deepEqual([status, headers['access-control-allow-origin'], headers['access-control-allow-credentials']], [204, 'https://app.example.com', 'true']);
      const refused = await preflight('https://evil.test');
      assert.deepEqual([refused.status, refused.headers['access-control-allow-origin']], [403, undefined]);
    });
  });
}
