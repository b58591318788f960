'use strict';
// A server of Hono on node with a CORS policy: node hono.cjs --policy FILE [--port N]

const { serve } = require('@hono/node-server');
const { Hono } = require('hono');
const corsac = require('corsac');
const { announce, headers, policy, port } = require('./protocol.cjs');

const app = new Hono();

// First, so that everything behind it is covered.
app.use(corsac.hono(policy));

app.onError((error, c) => c.json({ ok: false, error: error.message }, 500, headers));
app.all('/status/:status', (c) => {
  const status = Number(c.req.param('status'));
  if (status === 500) throw new Error('an exception of the application');
  if (status === 404) return c.notFound();
  return c.body(status === 204 || status === 304 ? null : JSON.stringify({ ok: true, server: 'hono' }), status, { ...headers, 'Content-Type': 'application/json' });
});
app.all('/redirect', (c) => {
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  return c.redirect('/landed');
});
app.all('/stream', () => {
  const chunks = ['{"ok":true,', '"server":', '"hono"}'].map((chunk) => new TextEncoder().encode(chunk));
  return new Response(ReadableStream.from(chunks), { headers: { ...headers, 'Content-Type': 'application/json' } });
});
app.all('*', (c) => c.json({ ok: true, server: 'hono' }, 200, headers));

announce(serve({ fetch: app.fetch, hostname: '127.0.0.1', port }));
