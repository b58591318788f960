// WebSocket handshakes: those of strangers are refused.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import net from 'node:net';
import { describe, test } from 'node:test';

import corsac from '../../bindings/node/index.js';
import { ORIGIN, OTHER } from './behaviours.mjs';

const { Policy } = corsac;
const REFUSED = 'HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';
const ACCEPTED = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello';

/** Runs `use(shake)` with a server that greets whoever may upgrade. */
async function serving(policy, options, use) {
  const mayUpgrade = corsac.upgrade(policy, options);
  const server = createServer();
  server.on('upgrade', (req, socket) => {
    if (mayUpgrade(req, socket)) socket.end(ACCEPTED);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const shake = async (...lines) => {
    const socket = net.connect(server.address().port, '127.0.0.1');
    socket.setTimeout(20_000, () => socket.destroy(new Error('no answer')));
    socket.write(['GET /chat?x HTTP/1.1', 'Host: app.example.com', 'Upgrade: websocket', 'Connection: Upgrade', ...lines, '', ''].join('\r\n'));
    return Buffer.concat(await socket.toArray()).toString();
  };
  try {
    await use(shake);
  } finally {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
}

describe('handshakes', { timeout: 60_000 }, () => {
  const policy = new Policy({ allowOrigins: [ORIGIN], allowCredentials: true, ownOrigins: ['https://own.example'] });

  test('are accepted from origins that are allowed with credentials, and from no others', async () => {
    await serving(policy, undefined, async (shake) => {
      assert.equal(await shake(`Origin: ${ORIGIN}`), ACCEPTED);
      assert.equal(await shake('Origin: https://own.example'), ACCEPTED);
      for (const lines of [[`Origin: ${OTHER}`], ['Origin: null'], ['Origin:'], [`Origin: ${ORIGIN}`, `Origin: ${ORIGIN}`], [`Origin: ${ORIGIN}/`], []]) {
        assert.equal(await shake(...lines), REFUSED, lines.join());
      }
      // Not even a page of the host that is asked, unless the policy says so.
      assert.equal(await shake('Origin: https://app.example.com:8443', 'Sec-Fetch-Site: same-origin'), REFUSED);
    });
  });

  test('without credentials and from what is no browser, where that is allowed', async () => {
    const open = new Policy({ allowOrigins: '*' });
    await serving(open, undefined, async (shake) => {
      assert.equal(await shake(`Origin: ${OTHER}`), REFUSED);
    });
    await serving(open, { credentials: false, allowWithoutOrigin: true }, async (shake) => {
      assert.equal(await shake(`Origin: ${OTHER}`), ACCEPTED);
      assert.equal(await shake(), ACCEPTED);
      assert.equal(await shake('Origin:'), REFUSED);
    });
  });

  test('are chosen a policy for as requests are', async () => {
    await serving({ '/chat': policy }, undefined, async (shake) => assert.equal(await shake(`Origin: ${OTHER}`), REFUSED));
    await serving({ '/chats': policy }, undefined, async (shake) => assert.equal(await shake(`Origin: ${OTHER}`), ACCEPTED));
    await serving((req) => (req.headers.host === 'app.example.com' ? policy : null), undefined, async (shake) => assert.equal(await shake(`Origin: ${OTHER}`), REFUSED));
  });

  test('only tell of refusals where they are to be reported', async () => {
    const { subscribe, unsubscribe } = await import('node:diagnostics_channel');
    const told = [];
    const listen = (message) => told.push(message);
    subscribe('corsac:refused', listen);
    await serving(policy, { reportOnly: true }, async (shake) => {
      assert.equal(await shake(`Origin: ${OTHER}"`), ACCEPTED);
      assert.equal(await shake(`Origin: ${ORIGIN}`), ACCEPTED);
    });
    unsubscribe('corsac:refused', listen);
    assert.deepEqual(told, [
      { reason: 'malformed-origin', rule: null, ruleName: null, origin: `${OTHER}\\x22`, line: `upgrade refused malformed-origin rule=- origin="${OTHER}\\x22"` },
    ]);
  });

  test('options are checked', () => {
    for (const [options, message] of [[{ credentials: 1 }, /credentials is a number/], [{ allowWithoutOrigin: 'yes' }, /allowWithoutOrigin is a string/], [{ origin: '*' }, /no option "origin": write one of reportOnly, credentials, allowWithoutOrigin/]]) {
      assert.throws(() => corsac.upgrade(policy, options), { name: 'TypeError', message });
    }
  });
});
