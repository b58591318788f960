'use strict';
// The adapter for Koa: `(ctx, next)`.
//
// Koa writes to the response of node:http, which is owned, so that what `ctx.onerror` clears and sets, what an
// error brings in `headers`, streams and `ctx.respond = false` are covered.

const { chooser, pathOf } = require('./choice.js');
const { handle } = require('./express.js');
const report = require('./report.js');

function koa(policy, options) {
  const { reportOnly } = report.readOptions(options);
  const choose = chooser(policy);
  const { sole } = choose;

  return function corsac(ctx, next) {
    const chosen = sole !== null ? sole.policy : choose(pathOf(ctx.originalUrl), ctx);
    if (chosen !== null && handle(chosen, ctx.req, ctx.res, reportOnly)) {
      // It was sent.
      ctx.respond = false;
      return undefined;
    }
    return next();
  };
}

module.exports = { koa };
