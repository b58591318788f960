'use strict';
// The adapters for servers that speak `Request` and `Response`: Hono, Deno, Bun and others.
//
// A response of the application is never changed, since it may be immutable, as those of `fetch` and of
// `Response.redirect` are, or used again: its body goes into a new one.

const { chooser, pathOf } = require('./choice.js');
const { describe } = require('./headers.js');
const { internals } = require('./policy.js');
const report = require('./report.js');

function fetch(policy, options) {
  const { reportOnly, onError } = readOptions(options);
  const choose = chooser(policy);

  return async function handle(request, next) {
    const effect = decide(choose, request, request, reportOnly);
    if (effect?.responds) return answer(effect);
    let response;
    try {
      response = await next(request);
    } catch (error) {
      if (onError === null) throw error;
      response = await onError(error, request);
    }
    return effect === null ? response : applyTo(response, effect);
  };
}

function hono(policy, options) {
  const { reportOnly } = report.readOptions(options);
  const choose = chooser(policy);

  return async function corsac(c, next) {
    const effect = decide(choose, c.req.raw, c, reportOnly);
    if (effect?.responds) return answer(effect);
    await next();
    if (effect !== null) {
      const response = applyTo(c.res, effect);
      if (response !== c.res) {
        // Without this, the headers of the old response would be put into the new one.
        c.res = undefined;
        c.res = response;
      }
    }
    return undefined;
  };
}

function readOptions(options) {
  const read = report.readOptions(options, { onError: null });
  const { onError } = read;
  if (onError !== null && typeof onError !== 'function') throw new TypeError(`onError is ${describe(onError)}, not a function`);
  return read;
}

/** What is done to the response to a request; null for nothing. `context` is what a function that chooses sees. */
function decide(choose, request, context, reportOnly) {
  const { sole } = choose;
  const policy = sole !== null ? sole.policy : choose(pathOf(request.url), context);
  if (policy === null) return null;
  const { effects } = internals(policy);
  const { method, headers } = request;
  const origin = headers.get('origin');
  let effect;
  if (origin === null && !effects.decidesAll) {
    effect = effects.notCors();
  } else {
    const facts = factsOf(request, origin ?? undefined);
    effect = effects.ofRequest({ method, headers: facts, rawHeaders: undefined, httpVersionMajor: 1 });
    if (!effect.allowed && report.isHeard()) report.publish(policy.evaluate(method, facts));
  }
  return reportOnly ? null : effect;
}

/** The facts of a request, by name. Repeated lines are joined there already, which is malformed where it matters. */
function factsOf({ headers, url }, origin) {
  const get = (name) => headers.get(name) ?? undefined;
  const host = get('host');
  const facts = {
    origin,
    'access-control-request-method': get('access-control-request-method'),
    'access-control-request-headers': get('access-control-request-headers'),
    host,
    'sec-fetch-site': get('sec-fetch-site'),
  };
  // Where there is no Host, as in HTTP/2, servers make the URL of :authority.
  if (host === undefined) facts[':authority'] = authorityOf(url);
  return facts;
}

function authorityOf(url) {
  try {
    return new URL(url).host;
  } catch {
    return undefined;
  }
}

/** The response of an effect that `responds`. */
function answer(effect) {
  return new Response(null, { status: effect.status, headers: headersOf(effect.flat) });
}

function headersOf(flat, headers = new Headers()) {
  for (let index = 0; index < flat.length; index += 2) headers.append(flat[index], flat[index + 1]);
  return headers;
}

/** A response like this one, but with the edits of an effect; the same one where there is none to be like. */
function applyTo(response, effect) {
  if (typeof response !== 'object' || response === null || typeof response.headers?.get !== 'function') return response;
  const { status, statusText } = response;
  // 101 and what is no answer at all, as that of `Response.error`, have no headers to edit; and of a body that
  // somebody reads already there can be no other response. To look at the body may set the type of its content.
  if (status < 200 || status > 599 || response.bodyUsed || response.body?.locked) return response;
  const headers = new Headers(response.headers);
  const vary = headers.get('vary') ?? undefined;
  for (const [, name] of effect.edits) headers.delete(name);
  headersOf(effect.list([], vary), headers);
  return new Response(response.body, { status, statusText, headers });
}

module.exports = { fetch, hono };
