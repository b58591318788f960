'use strict';
// The policy argument of every adapter: which policy decides a request.
//
// It is a Policy, a PolicyCell, path prefixes (an object or a Map) to one of them or null, or a function of
// the framework's request that returns one of them or null. Null, and a path that no prefix covers, mean
// that corsac leaves the request and its response alone.

const { PolicyCell, isCell } = require('./cell.js');
const { describe } = require('./headers.js');
const { Policy, isPolicy } = require('./policy.js');

/**
 * Reads the argument once: gives a function of the path (without query) and the framework's request that
 * tells the policy of this moment, or null. A cell is read once a request, so that no decision mixes two policies.
 *
 * Where one policy or cell decides everything, the function's `sole` has it as `policy`, so that a hot path
 * need neither find the path nor call; otherwise `sole` is null.
 */
function chooser(policy) {
  const sole = soleOf(policy);
  const choose = sole !== null ? () => sole.policy : isPrefixes(policy) ? byPrefix(policy) : byFunction(policy);
  return Object.freeze(Object.assign(choose, { sole }));
}

/** Something whose `policy` is the one of the moment; null if requests have different ones. */
function soleOf(policy) {
  if (isPolicy(policy)) return Object.freeze({ policy });
  return isCell(policy) ? policy : null;
}

function isPrefixes(policy) {
  if (policy instanceof Map) return true;
  if (typeof policy !== 'object' || policy === null) return false;
  const prototype = Object.getPrototypeOf(policy);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function byPrefix(prefixes) {
  const table = new Map();
  for (const [given, source] of prefixes instanceof Map ? prefixes : Object.entries(prefixes)) {
    const prefix = readPrefix(given);
    if (source !== null && !isPolicy(source) && !isCell(source)) {
      throw wrong(`policy[${JSON.stringify(given)}]`, source, 'a Policy, a PolicyCell or null');
    }
    const { path: loose } = loosened(prefix);
    if (table.has(loose)) throw new TypeError(`policy has the prefix ${JSON.stringify(given)} twice`);
    table.set(loose, { prefix, loose, source });
  }
  if (table.size === 0) throw new TypeError('policy has no prefix: write { "/": policy }');
  if (!table.has('')) table.set('', { prefix: '', loose: '', source: null });
  // The longest first: what is found first is what counts.
  const entries = [...table.values()].sort((a, b) => b.prefix.length - a.prefix.length);
  const isLowerCase = entries.every(({ prefix, loose }) => prefix === loose);

  return (path) => {
    const found = entries.find(({ prefix }) => covers(prefix, path));
    if (isLowerCase && !MAY_BE_READ_OTHERWISE.test(path)) return policyOf(found.source);
    const readings = readingsOf(path);
    const mayCover = ({ prefix, loose }) => prefix.length >= found.prefix.length && readings.some((reading) => covers(loose, reading));
    // Where it climbs, nobody knows where to.
    const others = readings === null ? entries : entries.filter(mayCover);
    return agreed([found, ...others].map(({ source }) => policyOf(source)));
  };
}

/** A prefix as it stands in requests, "/api" for "/api/" and "" for "/"; a TypeError for what no path begins with. */
function readPrefix(given) {
  if (typeof given !== 'string') {
    throw new TypeError(`a prefix of policy is ${describe(given)}, not a string such as "/api"`);
  }
  if (!given.startsWith('/')) {
    const hint = /^[a-z]+_?[A-Za-z]/.test(given) ? '; for the options of a policy write new Policy({ ... })' : '';
    throw new TypeError(`the prefix ${JSON.stringify(given)} of policy does not begin with "/"${hint}`);
  }
  const prefix = given.replace(/\/$/, '').replace(/[^!-~]+/g, (text) => encodeURIComponent(text.toWellFormed()));
  if (/[\\;?#]|%[0-7]|\/(?:\.{0,2}(?:\/|$))/.test(prefix)) {
    throw new TypeError(`the prefix ${JSON.stringify(given)} of policy is not written as a path is: as "/api/v1"`);
  }
  return prefix;
}

// Applications look at paths in different ways. Most routers of Express ignore the case of letters, Hono and Fastify
// decode what is encoded, those that send files leave out empty and dot segments too, `new URL(req.url, base)` takes
// "//name" for a host, some end the path at ";". A browser sends any of this if a page asks for it, but for dot
// segments. So the policy for one way of writing a path must not decide what is served for another.

/** What a path must have to be taken for another one. */
const MAY_BE_READ_OTHERWISE = /[A-Z%;\\]|\/[/.]|^[^/]/;

/** The paths that generous readers take a path for; null if it leads upwards. */
function readingsOf(path) {
  const { path: merged, climbs } = loosened(path);
  if (climbs) return null;
  return /^[/\\]{2}/.test(path) ? [merged, loosened(path.replace(/^[/\\]+[^/\\]*/, '')).path] : [merged];
}

/** A path as the most generous reader takes it, and whether a segment of it leads upwards. */
function loosened(path) {
  const decoded = path
    .replace(/%(?:25)+/g, '%')
    .replace(/(?:%[0-9a-f]{2})+/gi, (bytes) => Buffer.from(bytes.replaceAll('%', ''), 'hex').toString());
  const segments = decoded.replaceAll('\\', '/').split('/');
  const climbs = segments.some((segment) => /^\.\.(?:;|$)/.test(segment));
  const plain = segments.filter((segment) => segment !== '' && segment !== '.').join('/');
  // Both ways, since there are letters that are ASCII ones in another case.
  const folded = plain.replace(/[;?#].*/s, '').toUpperCase().toLowerCase();
  return { path: folded === '' ? '' : `/${folded}`, climbs };
}

/** Whether a prefix covers a path: by whole segments. */
function covers(prefix, path) {
  return path.startsWith(prefix) && (path.length === prefix.length || prefix === '' || path[prefix.length] === '/');
}

function byFunction(policy) {
  if (typeof policy !== 'function' || policy === Policy || policy === PolicyCell) {
    throw wrong('policy', policy, 'a Policy, a PolicyCell, path prefixes to them or a function of the request');
  }
  return (path, request) => {
    const source = policy(request);
    if (source !== null && !isPolicy(source) && !isCell(source)) {
      // What it is rejected with is nobody's any more: it must not end the process.
      if (typeof source?.then === 'function') source.then(undefined, () => {});
      throw wrong('what the function of policy returns', source, 'a Policy, a PolicyCell or null');
    }
    return policyOf(source);
  };
}

function policyOf(source) {
  return isCell(source) ? source.policy : source;
}

/** They grant nobody anything; that of `forbid` forbids what it refuses, which is everything. Made once one is needed. */
const nobody = { forward: null, forbid: null };

function grantsNothing(refusedRequests) {
  return (nobody[refusedRequests] ??= new Policy({ allowOrigins: ['https://corsac.invalid'], refusedRequests }));
}

/** The policy of a request of which nobody knows which of these is its own: the same one, or else one that grants nothing. */
function agreed(policies) {
  const [first] = policies;
  if (policies.every((policy) => policy === first)) return first;
  return grantsNothing(policies.some((policy) => policy !== null && forbids(policy)) ? 'forbid' : 'forward');
}

/** Whether a policy forbids what it refuses, as it refuses this whatever it allows. */
function forbids(policy) {
  return policy.evaluate('GET', { origin: '' }).action === 'respond';
}

function wrong(what, value, wanted) {
  const hint =
    typeof value === 'string' || value instanceof URL
      ? ': Policy.fromFile reads a file, Policy.fromJSON a text'
      : typeof value?.then === 'function'
        ? ': a policy is chosen without waiting'
        : isPrefixes(value)
          ? ': write new Policy({ ... })'
          : typeof value === 'function'
            ? ': write new Policy({ ... }), not the class'
            : '';
  return new TypeError(`${what} is ${describe(value)}, not ${wanted}${hint}`);
}

/** The path of a request target, without the query: of `/a?b`, `http://host/a?b` and `*`. */
function pathOf(target) {
  const local = target.charCodeAt(0) === 0x2f ? target : target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/\\?#]*/i, '');
  const end = local.search(/[?#]/);
  const path = end < 0 ? local : local.slice(0, end);
  return path === '' ? '/' : path;
}

module.exports = { agreed, chooser, pathOf };
