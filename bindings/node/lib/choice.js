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
  for (const [prefix, source] of prefixes instanceof Map ? prefixes : Object.entries(prefixes)) {
    if (typeof prefix !== 'string') {
      throw new TypeError(`a prefix of policy is ${describe(prefix)}, not a string such as "/api"`);
    }
    if (!prefix.startsWith('/')) {
      const hint = /^[a-z]+_?[A-Za-z]/.test(prefix) ? '; for the options of a policy write new Policy({ ... })' : '';
      throw new TypeError(`the prefix ${JSON.stringify(prefix)} of policy does not begin with "/"${hint}`);
    }
    if (source !== null && !isPolicy(source) && !isCell(source)) {
      throw wrong(`policy[${JSON.stringify(prefix)}]`, source, 'a Policy, a PolicyCell or null');
    }
    // "/api/" is "/api", and "/" is "".
    const key = prefix.replace(/\/+$/, '');
    if (table.has(key)) throw new TypeError(`policy has the prefix ${JSON.stringify(prefix)} twice`);
    table.set(key, source);
  }
  if (table.size === 0) throw new TypeError('policy has no prefix: write { "/": policy }');
  // The longest first: what is found first is what counts.
  const sorted = [...table].sort(([a], [b]) => b.length - a.length);
  return (path) => {
    for (const [prefix, source] of sorted) {
      if (covers(prefix, path)) return policyOf(source);
    }
    return null;
  };
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
      throw wrong('what the function of policy returns', source, 'a Policy, a PolicyCell or null');
    }
    return policyOf(source);
  };
}

function policyOf(source) {
  return isCell(source) ? source.policy : source;
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
  let start = 0;
  if (target.charCodeAt(0) !== 0x2f) {
    const scheme = target.indexOf('://');
    if (scheme < 0) return target;
    start = target.indexOf('/', scheme + 3);
    if (start < 0) return '/';
  }
  const end = target.slice(start).search(/[?#]/);
  return end < 0 ? target.slice(start) : target.slice(start, start + end);
}

module.exports = { chooser, pathOf };
