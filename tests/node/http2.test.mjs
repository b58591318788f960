// The compatible requests and responses of node:http2, by the same adapter.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { after, before, describe, test } from 'node:test';

import corsac from '../../bindings/node/index.js';
import { OPTIONS, ORIGIN, OTHER } from './behaviours.mjs';
import { respondAsNode } from './applications.mjs';

const CORS = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Max-Age': '5', Vary: 'Accept-Encoding' };

describe('node:http2', { timeout: 60_000 }, () => {
  const handle = corsac.express(new corsac.Policy(OPTIONS));
  let application = {};
  let server;
  let session;

  before(async () => {
    server = http2.createServer((req, res) => handle(req, res, (error) => {
      if (error) throw error;
      respondAsNode(application, req, res);
    }));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    session = http2.connect(`http://127.0.0.1:${server.address().port}`);
  });
  after(() => {
    session.close();
    server.close();
  });

  async function ask(method, headers) {
    const stream = session.request({ ':method': method, ':path': '/', ...headers });
    stream.end();
    const [response] = await once(stream, 'response');
    stream.resume();
    await once(stream, 'end');
    return response;
  }

  const forms = {
    'no header': {},
    setHeader: { headers: Object.entries(CORS) },
    'writeHead(status, object)': { writeHead: [CORS] },
    'writeHead(status, array)': { writeHead: [Object.entries(CORS).flat()] },
    'writeHead(status, pairs)': { writeHead: [Object.entries(CORS)] },
    'setHeader and writeHead(status, object)': { headers: Object.entries(CORS), writeHead: [{ Vary: 'Accept-Encoding' }] },
    'a stream': { headers: Object.entries(CORS), chunks: ['a', 'b'] },
    'an exception': { headers: Object.entries(CORS), raise: true },
    'lines that repeat': { writeHead: [[['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2'], ...Object.entries(CORS)]] },
  };
  for (const [name, form] of Object.entries(forms)) {
    test(name, async () => {
      application = form;
      for (const [origin, allowed] of [[ORIGIN, ORIGIN], [OTHER, undefined], [undefined, undefined]]) {
        const response = await ask('GET', origin === undefined ? {} : { origin });
        assert.equal(response['access-control-allow-origin'], allowed);
        assert.equal(response['access-control-max-age'], undefined);
        assert.match(response.vary, name === 'no header' ? /^Origin$/ : /^Accept-Encoding, Origin$/);
        if (name === 'lines that repeat') assert.deepEqual(response['set-cookie'], ['a=1', 'b=2']);
      }
    });
  }

  test('a preflight', async () => {
    application = { headers: [['X-Reached', 'yes']] };
    const allowed = await ask('OPTIONS', { origin: ORIGIN, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-token' });
    assert.deepEqual([allowed[':status'], allowed['access-control-allow-methods'], allowed['x-reached']], [204, 'GET,HEAD,POST,PUT', undefined]);
    const refused = await ask('OPTIONS', { origin: OTHER, 'access-control-request-method': 'PUT' });
    assert.deepEqual([refused[':status'], refused['access-control-allow-origin'], refused['content-length']], [403, undefined, '0']);
  });
});
