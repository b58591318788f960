'use strict';
// The adapter for node:http, Connect and Express: `(req, res, next)`.

const { chooser, pathOf } = require('./choice.js');
const { internals } = require('./policy.js');
const report = require('./report.js');
const { isSent, own, respond } = require('./response.js');

function express(policy, options) {
  const { reportOnly } = report.readOptions(options);
  const choose = chooser(policy);
  const { sole } = choose;

  return function corsac(req, res, next) {
    try {
      // Express takes what a router is mounted at off `url`, and keeps all of it here.
      const chosen = sole !== null ? sole.policy : choose(pathOf(req.originalUrl ?? req.url), req);
      if (chosen !== null && handle(chosen, req, res, reportOnly)) return;
    } catch (error) {
      next(error);
      return;
    }
    next();
  };
}

/**
 * Decides a request, answers it if the policy does, or sees to the application's response. Returns whether
 * it was answered.
 */
function handle(policy, req, res, reportOnly) {
  const effect = internals(policy).effects.ofRequest(req);
  if (!effect.allowed && report.isHeard()) report.publish(policy.evaluate(req.method, headersOf(req)));
  if (reportOnly || isSent(res)) return false;
  if (effect.responds) {
    respond(res, effect);
    return true;
  }
  own(res, effect);
  return false;
}

/** The headers of a request as they came; or, of one that somebody has made without a socket, those that it has. */
function headersOf({ rawHeaders, headers }) {
  return rawHeaders?.length > 0 ? rawHeaders : headers;
}

module.exports = { express, handle };
