// A panic in any native function stays there: the process goes on, and nothing is granted.
//
// The native half is built with a feature that lets a test ask for panics, and put beside a copy of the package.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../../bindings/node', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'corsac-'));
after(() => rmSync(folder, { recursive: true }));

const PROGRAM = `
const assert = require('node:assert/strict');
const http = require('node:http');
const corsac = require('corsac');
const native = require('corsac/lib/native.js');
const { internals } = require('corsac/lib/policy.js');
const ORIGIN = 'https://app.example.com';
const make = () => new corsac.Policy({ allowOrigins: [ORIGIN], allowMethods: ['PUT'], allowCredentials: true });
const policy = make();
const NAMES = ['decide', 'edits', 'line', 'ruleName', 'escapedOrigin', 's3Answer', 'allowsOrigin', 'document', 's3Xml', 'share'];
const raw = internals(policy);
assert.deepEqual(Object.keys(raw).filter((name) => typeof raw[name] === 'function').sort(), [...NAMES].sort());
const bucket = corsac.Policy.fromS3('{"CORSRules":[{"AllowedOrigins":["*"],"AllowedMethods":["PUT"]}]}');
const error = corsac.S3Error.badDigest();

native.forcePanics(true);
const results = NAMES.map((name) => raw[name](...(name === 'allowsOrigin' ? [ORIGIN, true] : ['GET', ORIGIN])));
assert.deepEqual(results, [0, undefined, undefined, undefined, undefined, undefined, false, undefined, undefined, false]);
assert.throws(() => policy.evaluate('GET', ['Origin', ORIGIN]), { message: 'corsac: no decision could be made' });
assert.equal(policy.allowsOrigin(ORIGIN), false);
assert.throws(() => policy.s3Headers('GET', ['Origin', ORIGIN]), { message: 'corsac: no decision could be made' });
assert.equal(policy.s3Xml(), null);
assert.throws(() => bucket.s3Error('OPTIONS', []), { message: 'corsac: no decision could be made' });
assert.throws(() => bucket.s3Xml(), { message: 'corsac: no XML could be made' });
assert.throws(() => corsac.S3Error.bucketMissing([]), Error);
assert.throws(() => error.body(), Error);
assert.throws(() => policy.share(), Error);
assert.throws(make, Error);
assert.throws(() => new corsac.PolicyCell(policy).share(), Error);
native.forcePanics(false);
assert.equal(policy.evaluate('GET', ['Origin', ORIGIN]).allowed, true);
assert.match(error.body(), /<Code>BadDigest</);

// In a server: no header of CORS, not even the application's, and no preflight reaches it.
const handle = corsac.express(policy);
const server = http.createServer((req, res) => handle(req, res, (error) => {
  if (error) throw error;
  res.setHeader('Access-Control-Allow-Origin', '*');
  res.end('application');
}));
server.listen(0, '127.0.0.1', async () => {
  const ask = (method, headers) => new Promise((resolve) => {
    const req = http.request({ host: '127.0.0.1', port: server.address().port, method, headers: { connection: 'close', ...headers } }, (res) => {
      let body = '';
      res.on('data', (chunk) => (body += chunk)).on('end', () => resolve([res.statusCode, res.headers['access-control-allow-origin'], body]));
    });
    req.end();
  });
  native.forcePanics(true);
  assert.deepEqual(await ask('GET', { origin: ORIGIN }), [200, undefined, 'application']);
  assert.deepEqual(await ask('OPTIONS', { origin: ORIGIN, 'access-control-request-method': 'PUT' }), [500, undefined, '']);
  native.forcePanics(false);
  assert.deepEqual(await ask('GET', { origin: ORIGIN }), [200, ORIGIN, 'application']);
  server.close();
  console.log('done');
});
`;

test('a panic in every native function', { timeout: 300_000 }, () => {
  const cargo = (...args) => execFileSync('cargo', args, { cwd: source, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28, env: { ...process.env, CARGO_PROFILE_DEV_DEBUG: 'false' } });
  cargo('build', '--locked', '--quiet', '--package', 'corsac-node', '--features', 'forced-panic');
  const { target_directory: target } = JSON.parse(cargo('metadata', '--format-version', '1', '--no-deps', '--locked'));

  const copy = path.join(folder, 'node_modules/corsac');
  cpSync(source, copy, { recursive: true, filter: (file) => !/node_modules|[\\/](src|npm)$/.test(path.relative(source, file)) && !file.endsWith('.node') });
  copyFileSync(path.join(target, 'debug/libcorsac_node.so'), path.join(copy, 'corsac.linux-x64-gnu.node'));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', PROGRAM.replaceAll("require('corsac/lib/", `require('${copy}/lib/`)], { cwd: folder, encoding: 'utf8', timeout: 60_000 });
  assert.equal(stdout, 'done\n', stderr);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /a test asked for this/);
});
