// The vectors and a server in any runtime that has node:http and loads addons: `RUNTIME portable.mjs`, with another
// build of the package as CORSAC_PACKAGE, and CORSAC_SHARES=no where that shares nothing between threads.
//
// No test framework, since not every runtime has node:test. Ends with `N passed, N failed, N skipped`.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import process from 'node:process';

import { checkVector } from '../conformance/node/check.mjs';
import { loadVectors } from '../conformance/node/vectors.mjs';
import { respondAsNode } from './applications.mjs';
import { ORIGIN, checks } from './behaviours.mjs';

const corsac = createRequire(import.meta.url)(process.env.CORSAC_PACKAGE ?? '../../bindings/node');
const { Policy, PolicyCell } = corsac;
const counts = { passed: 0, failed: 0, skipped: 0 };

async function run(name, check) {
  try {
    await check();
    counts.passed += 1;
  } catch (error) {
    counts.failed += 1;
    console.log(`FAILED ${name}: ${error.stack}`);
  }
}

for (const { cases } of loadVectors()) {
  for (const vector of cases) {
    if (vector.skip?.node !== undefined) counts.skipped += 1;
    else await run(vector.name, () => checkVector(vector));
  }
}

async function start({ application, policy, times, options }) {
  const handlers = Array.from({ length: times }, () => corsac.express(policy, options));
  const server = createServer((req, res) => {
    let index = 0;
    const next = () => (index < handlers.length ? handlers[index++](req, res, next) : respondAsNode(application, req, res));
    next();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => new Promise((done) => {
    server.close(done);
    server.closeAllConnections?.();
  });
  return { port: server.address().port, close };
}

const can = (process.env.CORSAC_CAN ?? 'before,after,append,clear,writeHead,raise,missing,stream,hints').split(',');
for (const [name, check] of checks({ start, can }, (options) => new Policy(options))) await run(`node:http: ${name}`, check);

await run('a fetch server', async () => {
  const handle = corsac.fetch(new Policy({ allowOrigins: [ORIGIN] }));
  const response = await handle(new Request('http://localhost/', { headers: { 'X-Mine': '1' } }), () => new Response('ok', { headers: { 'Access-Control-Allow-Origin': '*' } }));
  assert.deepEqual([await response.text(), response.headers.get('Access-Control-Allow-Origin'), response.headers.get('Vary')], ['ok', null, 'Origin']);
});
if (process.env.CORSAC_SHARES === 'no') counts.skipped += 1;
else await run('a cell that is shared', () => {
  const cell = new PolicyCell(new Policy({ allowOrigins: [ORIGIN] }));
  const other = PolicyCell.from(cell.share());
  other.policy = new Policy({ allowOrigins: '*' });
  assert.equal(cell.policy.document(), '{"allow_origins":"*"}');
});

console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exit(counts.failed > 0 ? 1 : 0);
