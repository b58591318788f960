'use strict';
// The adapter for node:http, Connect and Express: `(req, res, next)`.

const { agreed, chooser, pathOf } = require('./choice.js');
const { internals } = require('./policy.js');
const report = require('./report.js');
const { isSent, own, respond } = require('./response.js');

function express(policy, options) {
  const { reportOnly } = report.readOptions(options);
  const choose = chooser(policy);
  const { sole } = choose;

  return function corsac(req, res, next) {
    try {
      const chosen = sole !== null ? sole.policy : isConnect(req) && typeof policy !== 'function' ? byMount(choose, req) : choose(wholePath(req), req);
      if (chosen !== null && handle(chosen, req, res, reportOnly)) return;
    } catch (error) {
      next(error);
      return;
    }
    next();
  };
}

/** The path of a request. What a router is mounted at is taken off `url`, and all of it is kept in `originalUrl`. */
function wholePath({ originalUrl, url }) {
  return pathOf(originalUrl ?? url);
}

/** Whether a request is one of Connect, or of what is made like it. */
function isConnect({ originalUrl, app }) {
  return originalUrl !== undefined && app === undefined;
}

/** The policy of a request of Connect, to which `/admin.x` is below `/admin` too. */
function byMount(choose, req) {
  const path = wholePath(req);
  return agreed([choose(path, req), choose(path.replaceAll('.', '/'), req)]);
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
