'use strict';
// A server of Koa with a CORS policy: node koa.cjs --policy FILE [--port N]

const { Readable } = require('node:stream');
const Koa = require('koa');
const corsac = require('corsac');
const { announce, headers, policy, port } = require('./protocol.cjs');

const app = new Koa();
app.silent = true;

// First, so that everything behind it is covered.
app.use(corsac.koa(policy));

app.use((ctx) => {
  ctx.set(headers);
  const status = /^\/status\/([2-5]\d\d)$/.exec(ctx.path);
  if (status?.[1] === '500') throw Object.assign(new Error('an exception of the application'), { headers });
  if (status?.[1] === '404') return;
  if (ctx.path === '/redirect') {
    ctx.redirect('/landed');
    return;
  }
  ctx.type = 'application/json';
  ctx.body = ctx.path === '/stream' ? Readable.from(['{"ok":true,', '"server":', '"koa"}']) : { ok: true, server: 'koa' };
  if (status) ctx.status = Number(status[1]);
});

announce(app.listen(port, '127.0.0.1'));
