'use strict';
// Finds the facts of a request in whatever form a host keeps its headers.

/** What a policy looks at: for each header its line, its lines if there are several, or undefined. */
class Facts {
  origin = undefined;
  requestMethod = undefined;
  requestHeaders = undefined;
  host = undefined;
  authority = undefined;
  fetchSite = undefined;

  /** Takes one line of one header; keeps it if it is a fact. */
  add(name, line) {
    // By length first: all but a few headers are told apart by one comparison.
    switch (name.length) {
      case 4:
        if (is(name, 'host')) this.host = and(this.host, line);
        break;
      case 6:
        if (is(name, 'origin')) this.origin = and(this.origin, line);
        break;
      case 10:
        if (is(name, ':authority')) this.authority = and(this.authority, line);
        break;
      case 14:
        if (is(name, 'sec-fetch-site')) this.fetchSite = and(this.fetchSite, line);
        break;
      case 29:
        if (is(name, 'access-control-request-method')) this.requestMethod = and(this.requestMethod, line);
        break;
      case 30:
        if (is(name, 'access-control-request-headers')) this.requestHeaders = and(this.requestHeaders, line);
        break;
    }
  }
}

function is(name, lowerCase) {
  return name === lowerCase || name.toLowerCase() === lowerCase;
}

function and(lines, line) {
  if (lines === undefined) return line;
  if (!Array.isArray(lines)) return [lines, line];
  lines.push(line);
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
  if (Object.prototype.toString.call(headers) === '[object Headers]') return readPairs(headers);
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
    const value = headers[index + 1];
    if (typeof name !== 'string') throw wrongType(`headers[${index}]`, name, 'a string');
    if (typeof value !== 'string') throw wrongType(`headers[${index + 1}]`, value, 'a string');
    facts.add(name, value);
  }
  return facts;
}

/** `[[name, value], ...]`, or whatever iterates so. */
function readPairs(headers) {
  const facts = new Facts();
  let index = 0;
  for (const pair of headers) {
    if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== 'string' || typeof pair[1] !== 'string') {
      throw wrongType(`headers[${index}]`, pair, 'a pair of strings');
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
  if (typeof headers.headers === 'object' && !Array.isArray(headers.headers)) {
    throw new TypeError('headers has headers of its own: pass request.headers, not the request');
  }
  const facts = new Facts();
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (typeof value === 'string') {
      facts.add(name, value);
    } else if (Array.isArray(value)) {
      for (const line of value) {
        if (typeof line !== 'string') throw wrongType(`headers[${JSON.stringify(name)}]`, line, 'strings');
        facts.add(name, line);
      }
    } else if (value !== undefined) {
      throw wrongType(`headers[${JSON.stringify(name)}]`, value, 'a string or an array of strings');
    }
  }
  return facts;
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

module.exports = { readHeaders, describe };
