// The example server, over sockets: what its users copy is right.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const server = fileURLToPath(new URL('../../../bindings/node/examples/server.cjs', import.meta.url));
const ORIGIN = 'https://app.example.com';
const folder = mkdtempSync(path.join(tmpdir(), 'corsac-'));
const file = path.join(folder, 'policy.json');
after(() => rmSync(folder, { recursive: true }));

describe('the example server', { timeout: 60_000 }, () => {
  let child;
  let lines;
  let port;

  before(async () => {
    writeFileSync(file, JSON.stringify({ allow_origins: [ORIGIN], allow_methods: ['PUT'], expose_headers: ['etag'], max_age: 5 }));
    child = spawn(process.execPath, [server, '--policy', file], { stdio: ['ignore', 'pipe', 'inherit'] });
    lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { value } = await lines.next();
    port = Number(/^listening http:\/\/127\.0\.0\.1:(\d+)$/.exec(value)[1]);
  });

  after(async () => {
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    assert.equal(code, 0);
  });

  /** Sends a request as it is written, and gives status, headers (an array per name), body and log entry. */
  async function send(method, target, headers, body = '') {
    const socket = net.connect(port, '127.0.0.1');
    const head = [`${method} ${target} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers, '', body];
    socket.end(Buffer.from(head.join('\r\n'), 'latin1'));
    const chunks = await socket.toArray();
    const [start, content] = Buffer.concat(chunks).toString('latin1').split('\r\n\r\n');
    const [status, ...fields] = start.split('\r\n');
    const found = {};
    for (const field of fields) {
      const [name, value] = field.split(/: (.*)/s);
      (found[name.toLowerCase()] ??= []).push(value);
    }
    return { status: Number(status.split(' ')[1]), headers: found, body: content, log: JSON.parse((await lines.next()).value) };
  }

  const cors = (headers) => Object.fromEntries(Object.entries(headers).filter(([name]) => /^(access-control-|vary$)/.test(name)));

  test('answers a preflight with 204 and no Content-Length', async () => {
    const { status, headers, body, log } = await send('OPTIONS', '/x?y', [`Origin: ${ORIGIN}`, 'Access-Control-Request-Method: PUT']);
    assert.equal(status, 204);
    assert.equal(body, '');
    assert.deepEqual(cors(headers), {
      vary: ['Origin'],
      'access-control-allow-origin': [ORIGIN],
      'access-control-allow-methods': ['GET,HEAD,POST,PUT'],
      'access-control-max-age': ['5'],
    });
    assert(!('content-length' in headers) && !('transfer-encoding' in headers));
    assert.deepEqual(log, {
      method: 'OPTIONS', target: '/x?y', kind: 'preflight', action: 'respond', allowed: true, reason: 'allowed',
      origin: ORIGIN, request_method: 'PUT', request_headers: null, cookie: null,
    });
  });

  test('refuses a preflight with an empty 403', async () => {
    const { status, headers } = await send('OPTIONS', '/', ['Origin: https://other.example', 'Access-Control-Request-Method: PUT']);
    assert.equal(status, 403);
    assert.deepEqual(cors(headers), { vary: ['Origin'] });
    assert.deepEqual(headers['content-length'], ['0']);
  });

  test('merges Vary and replaces the headers of the application', async () => {
    for (const target of ['/', '/status/404', '/status/500']) {
      const { headers } = await send('GET', target, [`Origin: ${ORIGIN}`]);
      assert.deepEqual(cors(headers), {
        vary: ['Accept-Encoding, Origin'],
        'access-control-allow-origin': [ORIGIN],
        'access-control-expose-headers': ['etag'],
      });
    }
  });

  test('removes the headers of the application where nothing is allowed', async () => {
    const { status, headers, body } = await send('GET', '/', []);
    assert.deepEqual([status, body], [200, '{"ok":true,"server":"node"}']);
    assert.deepEqual(cors(headers), { vary: ['Accept-Encoding, Origin'] });
  });

  test('sees every line of a repeated header', async () => {
    const { log } = await send('GET', '/', [`Origin: ${ORIGIN}`, `Origin: ${ORIGIN}`, 'Cookie: a', 'Cookie: \xe9']);
    assert.equal(log.reason, 'malformed-origin');
    assert.equal(log.origin, `${ORIGIN}, ${ORIGIN}`);
    assert.equal(log.cookie, 'a, \xe9');
  });

  test('answers 204, 304 and HEAD without a body', async () => {
    for (const [method, target, status] of [['GET', '/status/204', 204], ['GET', '/status/304', 304], ['HEAD', '/', 200]]) {
      const response = await send(method, target, [`Origin: ${ORIGIN}`]);
      assert.deepEqual([response.status, response.body], [status, '']);
      assert.deepEqual(response.headers['access-control-allow-origin'], [ORIGIN]);
    }
  });
});

test('the example server tells everything that is wrong with a policy and exits with 2', () => {
  writeFileSync(file, '{"allow_origins": ["https://a.example/"],\n "max_age": true}');
  const { status, stdout, stderr } = spawnSync(process.execPath, [server, '--policy', file], { encoding: 'utf8' });
  assert.equal(status, 2);
  assert.equal(stdout, '');
  assert.match(stderr, new RegExp(`^${file}:1:20: origin-with-trailing-slash: allow_origins\\[0\\]: .*\n${file}:2:13: wrong-type: max_age: .*\n$`));
});

test('the example server exits with 2 if there is no policy', () => {
  const missing = path.join(folder, 'missing.json');
  const { status, stderr } = spawnSync(process.execPath, [server, '--policy', missing], { encoding: 'utf8' });
  assert.equal(status, 2);
  assert(stderr.includes(missing));
});
