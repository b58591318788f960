'use strict';
// A server of Express 4 or 5 with a CORS policy: node express.cjs --policy FILE [--port N] [--framework PACKAGE]

const corsac = require('corsac');
const { announce, framework, headers, policy, port } = require('./protocol.cjs');

const express = require(framework ?? 'express');

const app = express().set('env', 'test').set('etag', false);

// First, so that everything behind it is covered, errors and 404 too.
app.use(corsac.express(policy));

app.use((req, res, next) => {
  res.set(headers);
  next();
});
app.get('/redirect', (req, res) => res.redirect('/landed'));
app.get('/stream', async (req, res) => {
  res.type('application/json');
  for (const chunk of ['{"ok":true,', '"server":']) await new Promise((done) => res.write(chunk, done));
  res.end('"express"}');
});
app.use('/status', (req, res, next) => {
  const status = Number(/^\/([2-5]\d\d)$/.exec(req.path)?.[1]);
  if (status === 500) throw new Error('an exception of the application');
  if (status === 404) next();
  else res.status(status || 200).json({ ok: true, server: 'express' });
});
// The framework's own answer to what it does not find, which is /status/404 alone here.
app.use((req, res, next) => (req.path === '/status/404' ? next() : res.json({ ok: true, server: 'express' })));

announce(app.listen(port, '127.0.0.1'));
