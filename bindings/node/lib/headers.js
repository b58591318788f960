'use strict';
// Finds the facts of a request in whatever form a host keeps its headers.

const { Readable } = require('node:stream');

/** What a policy looks at: for each header its line, its lines if there are several, or undefined. */
class Facts {
  origin = undefined;
  requestMethod = undefined;
  requestHeaders = undefined;
  host = undefined;
  authority = undefined;
  fetchSite = undefined;

  /** Takes a header; if it is a fact, its value is looked at and kept, otherwise not even looked at. */
  add(name, value, isList = false) {
    // By length first: all but a few headers are told apart by one comparison.
    switch (name.length) {
      case 4:
        if (is(name, 'host')) this.host = and(this.host, name, value, isList);
        break;
      case 6:
        if (is(name, 'origin')) this.origin = and(this.origin, name, value, isList);
        break;
      case 10:
        if (is(name, ':authority')) this.authority = and(this.authority, name, value, isList);
        break;
      case 14:
        if (is(name, 'sec-fetch-site')) this.fetchSite = and(this.fetchSite, name, value, isList);
        break;
      case 29:
        if (is(name, 'access-control-request-method')) this.requestMethod = and(this.requestMethod, name, value, isList);
        break;
      case 30:
        if (is(name, 'access-control-request-headers')) this.requestHeaders = and(this.requestHeaders, name, value, isList);
        break;
    }
  }
}

function is(name, lowerCase) {
  return name === lowerCase || name.toLowerCase() === lowerCase;
}

/** `lines` and what is added to them: a string, or where `isList`, an array of lines or nothing. */
function and(lines, name, value, isList) {
  if (typeof value === 'string') {
    if (lines === undefined) return value;
    if (!Array.isArray(lines)) return [lines, value];
    lines.push(value);
    return lines;
  }
  if (!isList) throw wrongType(`the value of ${name}`, value, 'a string');
  if (value === undefined) return lines;
  if (!Array.isArray(value)) throw wrongType(`the value of ${name}`, value, 'a string or an array of strings');
  for (const line of value) lines = and(lines, name, line, false);
  return lines;
}

/** Reads `req.headers`, `req.rawHeaders`, pairs or a Fetch `Headers`; throws a TypeError for all else. */
function readHeaders(headers) {
  if (typeof headers !== 'object' || headers === null) {
    throw new TypeError(`headers is ${describe(headers)}, not an object or an array`);
  }
  if (Array.isArray(headers)) {
    return Array.isArray(headers[0]) ? readPairs(headers) : readRaw(headers);
  }
  if (isOfClass(headers, 'Headers')) return readPairs(headers);
  return readObject(headers);
}

/** `[name, value, name, value, ...]`, the form of `req.rawHeaders`. */
function readRaw(headers) {
  const facts = new Facts();
  if (headers.length % 2 !== 0) {
    throw new TypeError('headers is an array of odd length: names and values alternate, as in req.rawHeaders');
  }
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index];
    if (typeof name !== 'string') throw wrongType(`headers[${index}]`, name, 'a string');
    facts.add(name, headers[index + 1]);
  }
  return facts;
}

/** `[[name, value], ...]`, or whatever iterates so. */
function readPairs(headers) {
  const facts = new Facts();
  let index = 0;
  for (const pair of headers) {
    if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== 'string') {
      throw wrongType(`headers[${index}]`, pair, 'a pair of name and value');
    }
    facts.add(pair[0], pair[1]);
    index += 1;
  }
  return facts;
}

/** `{ name: value }`, the form of `req.headers`: an array has a line in each element. */
function readObject(headers) {
  if (typeof headers[Symbol.iterator] === 'function') {
    throw new TypeError(`headers is ${describe(headers)}; pass an object, an array or a Headers`);
  }
  if (isRequest(headers)) {
    throw new TypeError('headers has headers of its own: pass request.headers, not the request');
  }
  const facts = new Facts();
  for (const name of Object.keys(headers)) facts.add(name, headers[name], true);
  return facts;
}

/** Whether this is a request, which would look like one without any headers. */
function isRequest(value) {
  if (Object.hasOwn(value, 'headers')) {
    const { headers } = value;
    return typeof headers === 'object' && headers !== null && !Array.isArray(headers);
  }
  // Those of node:http and node:http2 are streams.
  return value instanceof Readable || isOfClass(value, 'Request');
}

function isOfClass(value, name) {
  return Object.prototype.toString.call(value) === `[object ${name}]`;
}

function wrongType(what, value, wanted) {
  return new TypeError(`${what} is ${describe(value)}, not ${wanted}`);
}

/** Says what a value is, for the message of a TypeError. */
function describe(value) {
  if (value === null || value === undefined) return String(value);
  switch (typeof value) {
    case 'object': {
      const name = Object.prototype.toString.call(value).slice('[object '.length, -1);
      return /^[AEIOU]/.test(name) ? `an ${name}` : `a ${name}`;
    }
    case 'number':
      return Number.isFinite(value) ? 'a number' : String(value);
    default:
      return `a ${typeof value}`;
  }
}

module.exports = { describe, readHeaders, readRaw };
