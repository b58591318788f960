// The types of the adapters, in the hands of the frameworks' own: types/adapters.mts.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

test('the adapters fit the types of Fastify, Koa and Hono', { timeout: 120_000 }, () => {
  const path = (name) => fileURLToPath(new URL(name, import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [path('node_modules/typescript/bin/tsc'), '--project', path('types')], { encoding: 'utf8' });
  assert.equal(`${stdout}${stderr}`, '');
  assert.equal(status, 0);
});
