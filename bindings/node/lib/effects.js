'use strict';
// From the facts of a request to what is done to the response, as fast as can be: what was allowed is
// remembered, and a request without Origin or with a known one needs no call of the native half.
//
// Only allowed decisions are remembered, so that a stranger cannot push out what is asked often; and each
// by everything it was made of. A decision about a request without Access-Control-Request-Method that is
// allowed by a rule depends on its Origin alone; any other on the method and the two headers too. What
// else there is matters only where no rule matches.

const { answerIndex, isAllowed, ruleOf } = require('./decision.js');
const { readHeaders, readRaw } = require('./headers.js');
const native = require('./native.js');
const { Effect, Template } = require('./response.js');

/** Slots, each for one request: powers of two. */
const ACTUAL = 256;
const PREFLIGHTS = 64;

/** Longer ones are not remembered, so that what is remembered stays small. */
const MAX_ORIGIN = 512;
const MAX_HEADERS = 1024;

const NOTHING = { effect: undefined, origin: undefined, method: undefined, requestMethod: undefined, requestHeaders: undefined };

const { foreign } = native.names();
const withoutForeign = foreign.map((name) => Object.freeze(['remove', name, '']));
/** What is done if there is no decision: nothing is granted. */
const FAILED_FORWARD = new Effect(new Template({ allowed: false, action: 'forward', status: 0, edits: withoutForeign }));
const FAILED_RESPOND = new Effect(new Template({ allowed: false, action: 'respond', status: 500, edits: [] }));

/** The effects of one policy. A policy that takes its place has its own, so that a swap forgets everything. */
class Effects {
  #compiled;
  #actual = new Array(ACTUAL).fill(NOTHING);
  #preflights = new Array(PREFLIGHTS).fill(NOTHING);
  /** By index of the answer: effects that hold nothing of a request, or else the template of all others. */
  #allowed;
  #refused;
  #notCors = null;

  constructor(compiled) {
    this.#compiled = compiled;
    this.#allowed = new Array(compiled.answers.length).fill(undefined);
    this.#refused = this.#allowed.slice();
  }

  /** For a request of node:http or the compatible one of node:http2. */
  ofRequest(request) {
    const { headers } = request;
    if (this.#compiled.isS3) {
      const { rawHeaders } = request;
      return this.ofFacts(request.method, rawHeaders?.length > 0 ? readRaw(rawHeaders) : readHeaders(headers));
    }
    if (request.httpVersionMajor === 2) return this.ofFacts(request.method, readRaw(request.rawHeaders));
    const { origin } = headers;
    if (origin === undefined) return this.notCors();
    const { method } = request;
    const requestMethod = headers['access-control-request-method'];
    let requestHeaders = requestMethod === undefined ? undefined : headers['access-control-request-headers'];
    // Of repeated lines node:http joins those of Origin, Access-Control-Request-Method and Sec-Fetch-Site by
    // a comma, which is as wrong as they are; but names in Access-Control-Request-Headers may be so joined,
    // and of Host it keeps the first.
    if (typeof requestHeaders === 'string' && requestHeaders.includes(', ')) {
      requestHeaders = linesOf('access-control-request-headers', request, requestHeaders);
    }
    return (
      this.#recall(method, origin, requestMethod, requestHeaders) ??
      this.#decide(method, origin, linesOf('host', request, headers.host), headers['sec-fetch-site'], requestMethod, requestHeaders, undefined)
    );
  }

  /** For facts that `readHeaders` found. */
  ofFacts(method, { origin, requestMethod, requestHeaders, host, authority, fetchSite }) {
    if (origin === undefined && !this.#compiled.isS3) return this.notCors();
    return (
      this.#recall(method, origin, requestMethod, requestHeaders) ??
      this.#decide(method, origin, host, fetchSite, requestMethod, requestHeaders, authority)
    );
  }

  /** For requests without Origin. */
  notCors() {
    return (this.#notCors ??= this.#makeEffect(this.#compiled.notCors, ['GET']));
  }

  /** Whether a request without Origin must be decided too. */
  get decidesAll() {
    return this.#compiled.isS3;
  }

  /** The requests that are remembered, for tests. */
  get remembered() {
    return [...this.#actual, ...this.#preflights].filter((slot) => slot !== NOTHING);
  }

  /** What was allowed before, if just this was. */
  #recall(method, origin, requestMethod, requestHeaders) {
    // What S3 decides depends on more than what is remembered by.
    if (this.#compiled.isS3) return undefined;
    if (requestMethod === undefined) {
      const slot = this.#actual[slotOf(origin) & (ACTUAL - 1)];
      return slot.origin === origin ? slot.effect : undefined;
    }
    const slot = this.#preflights[preflightSlotOf(origin, requestMethod, requestHeaders) & (PREFLIGHTS - 1)];
    const isThis =
      slot.origin === origin &&
      slot.requestMethod === requestMethod &&
      slot.requestHeaders === requestHeaders &&
      slot.method === method;
    return isThis ? slot.effect : undefined;
  }

  #decide(method, origin, host, fetchSite, requestMethod, requestHeaders, authority) {
    const { decide } = this.#compiled;
    // To leave out an argument is cheaper than to pass undefined.
    const verdict =
      requestMethod !== undefined || authority !== undefined || requestHeaders !== undefined
        ? decide(method, origin, host, fetchSite, requestMethod, requestHeaders, authority)
        : fetchSite !== undefined
          ? decide(method, origin, host, fetchSite)
          : decide(method, origin, host);
    const effect =
      this.#readyEffect(verdict, origin) ??
      this.#makeEffect(verdict, [method, origin, host, fetchSite, requestMethod, requestHeaders, authority]);
    if (effect.allowed && ruleOf(verdict) >= 0) this.#remember(effect, method, origin, requestMethod, requestHeaders);
    return effect;
  }

  #remember(effect, method, origin, requestMethod, requestHeaders) {
    if (this.#compiled.isS3 || !fits(origin, MAX_ORIGIN)) return;
    if (requestMethod === undefined) {
      this.#actual[slotOf(origin) & (ACTUAL - 1)] = { effect, origin, method: undefined, requestMethod, requestHeaders: undefined };
    } else if (fits(requestMethod, MAX_ORIGIN) && (requestHeaders === undefined || fits(requestHeaders, MAX_HEADERS))) {
      const index = preflightSlotOf(origin, requestMethod, requestHeaders) & (PREFLIGHTS - 1);
      this.#preflights[index] = { effect, origin, method, requestMethod, requestHeaders };
    }
  }

  #readyEffect(verdict, origin) {
    if (verdict === 0) return undefined;
    const ready = (isAllowed(verdict) ? this.#allowed : this.#refused)[answerIndex(verdict)];
    return ready instanceof Template ? new Effect(ready, origin) : ready;
  }

  /** `facts` are the arguments of `decide`. */
  #makeEffect(verdict, facts) {
    const [method, origin] = facts;
    const index = answerIndex(verdict);
    const answer = verdict === 0 ? undefined : this.#compiled.answers[index];
    const edits = answer?.echoes ? this.#compiled.edits(...facts) : answer?.edits;
    if (edits === undefined) return failed(method);
    const allowed = isAllowed(verdict);
    const template = new Template({ allowed, action: answer.action, status: answer.status, edits });
    const effect = new Effect(template, origin);
    if (!answer.echoes) (allowed ? this.#allowed : this.#refused)[index] = answer.originIndexes.length > 0 ? template : effect;
    return effect;
  }
}

/** What is done where there is no decision, as in every host: no CORS headers, and no answer to a question. */
function failed(method) {
  return method === 'OPTIONS' ? FAILED_RESPOND : FAILED_FORWARD;
}

/** A number that differs for most origins: by length and three characters. */
function slotOf(text) {
  // Whatever is no string was never remembered.
  if (typeof text !== 'string') return 0;
  const { length } = text;
  // Behind the scheme, in the middle, and at the end; beyond the end it is NaN, which counts as 0.
  return length + 7 * text.charCodeAt(8) + 31 * text.charCodeAt(length >> 1) + 13 * text.charCodeAt(length - 5);
}

function preflightSlotOf(origin, requestMethod, requestHeaders) {
  return slotOf(origin) + 5 * requestMethod.length + (requestHeaders === undefined ? 0 : 3 * requestHeaders.length);
}

function fits(text, max) {
  return typeof text === 'string' && text.length <= max;
}

/** The lines of a header of a request of node:http, where it has them; `value` where it does not. */
function linesOf(name, { rawHeaders }, value) {
  if (!Array.isArray(rawHeaders)) return value;
  let lines;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const candidate = rawHeaders[index];
    if (candidate.length !== name.length || candidate.toLowerCase() !== name) continue;
    const line = rawHeaders[index + 1];
    lines = lines === undefined ? line : [lines, line].flat();
  }
  return lines ?? value;
}

module.exports = { Effects };
