'use strict';
// What a decision does to a response of node:http (or the compatible one of node:http2), and how it stays
// done whatever the application does to the headers afterwards.
//
// The edits are applied in the last moment, when headers are put into the form in which they are sent. Until
// then nothing is touched, so that an application that clears or copies its headers, as error handlers and
// caches do, meets none of corsac's, and one that sets none pays for nothing.
//
// There are two ways. A response of node:http that nobody has changed gets a `_storeHeader` of its own: all
// ways to send headers end there, and what corsac adds is one piece of text. Every other response, and every
// one where `_storeHeader` is not what it was when this was written, gets a `writeHead` of its own, through
// which `write`, `end`, `flushHeaders` and pipes go too; it sets headers as everybody does.

const http = require('node:http');
const { Socket } = require('node:net');

const native = require('./native.js');

/** Under which a response keeps its effect, and a `writeHead` that applies edits is marked. */
const EFFECT = Symbol('corsac.effect');

const plainWriteHead = http.ServerResponse.prototype.writeHead;
const plainStoreHeader = http.OutgoingMessage.prototype._storeHeader;

/**
 * The key under which a response of node:http keeps its headers, as `{ lowerCaseName: [name, value] }`, or
 * null before there are any. No public interface, as `_storeHeader` is none: both are used only if they turn
 * out to be just that, and otherwise this is null.
 */
const STORE = process.env.CORSAC_NODE_INTERNALS === 'off' ? null : findStore();

function findStore() {
  // Bun has it all, and sends headers without it.
  if (process.versions.bun !== undefined) return null;
  try {
    const res = new http.ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1 });
    const [store, ...others] = Object.getOwnPropertySymbols(res).filter((symbol) => symbol.description === 'kOutHeaders');
    if (store === undefined || others.length > 0 || res[store] !== null || plainStoreHeader.length !== 2) return null;
    res.setHeader('X-First', '1');
    res.setHeader('X-Second', ['2', '3']);
    const seen = [];
    res._storeHeader = function (firstLine, headers) {
      seen.push(firstLine, headers === this[store], JSON.stringify(headers));
      delete headers['x-first'];
      return plainStoreHeader.call(this, `${firstLine}X-Third: 4\r\n`, headers);
    };
    res.writeHead(201);
    const expected = ['HTTP/1.1 201 Created\r\n', true, '{"x-first":["X-First","1"],"x-second":["X-Second",["2","3"]]}'];
    const isSeen = JSON.stringify(seen) === JSON.stringify(expected);
    return isSeen && /^HTTP\/1\.1 201 Created\r\nX-Third: 4\r\nX-Second: 2\r\nX-Second: 3\r\n(?!X-F)/.test(res._header) ? store : null;
  } catch {
    return null;
  }
}

const foreign = native.names().foreign.map((name) => name.toLowerCase());

/** Longer names than any that is edited need no look. */
const MAX_NAME = 64;

/** What the effects of one answer have in common. */
class Template {
  /** `edits` are those of a `Decision`; null stands for the request's Origin as a value. */
  constructor({ allowed, action, status, edits }) {
    this.allowed = allowed;
    /** Whether the response is this one, rather than the application's. */
    this.responds = action === 'respond';
    this.status = status;
    this.edits = edits;
    /** The names that `Vary` gets, and what it is if it was not there. */
    this.vary = edits.filter(([op]) => op === 'vary').map(([, , value]) => value);
    this.varyAlone = this.vary.join(', ');
    /** `[lowerCaseName, name, value]`, each a line. */
    this.sets = edits.filter(([op]) => op === 'set' || op === 'add').map(([, name, value]) => [name.toLowerCase(), name, value]);
    const removed = edits.filter(([op]) => op === 'remove').map(([, name]) => name.toLowerCase());
    /** What the application has of these names goes. What responds itself has nothing beside its own. */
    this.drops = [...new Set([...this.sets.map(([lower]) => lower), ...removed, ...(this.responds ? foreign : [])])];
    /** All names that are looked at, and the lengths that they have. */
    this.names = new Set(this.vary.length > 0 ? ['vary', ...this.drops] : this.drops);
    this.lengths = new Uint8Array(MAX_NAME);
    for (const name of this.names) this.lengths[name.length] = 1;
    /** The lines but for Vary, in pieces between which the Origin stands, and the line of Vary. */
    for (const [, name, value] of this.sets) if (value !== null) http.validateHeaderValue(name, value);
    this.pieces = this.sets.reduce(
      (pieces, [, name, value]) => {
        const [last] = pieces.splice(-1);
        return value === null ? [...pieces, `${last}${name}: `, '\r\n'] : [...pieces, `${last}${name}: ${value}\r\n`];
      },
      [''],
    );
    this.varyLine = this.vary.length > 0 ? `Vary: ${this.varyAlone}\r\n` : '';
    Object.freeze(this);
  }

  /** Whether there is something to do about a header of this name. */
  touches(name) {
    return name.length < MAX_NAME && this.lengths[name.length] === 1 && this.names.has(name.toLowerCase());
  }
}

/** What one decision does to a response. Knows no request: requests with the same Origin share it. */
class Effect {
  #edits = null;
  #flat = null;

  /** `origin` is only looked at where the template has it as a value. */
  constructor(template, origin) {
    this.template = template;
    this.origin = origin;
    this.allowed = template.allowed;
    this.responds = template.responds;
    this.status = template.status;
    const { pieces } = template;
    this.lines = pieces.length === 1 ? pieces[0] : pieces.length === 2 ? pieces[0] + origin + pieces[1] : pieces.join(origin);
    this.linesAndVary = template.varyLine + this.lines;
  }

  /** The edits, as those of a `Decision`. */
  get edits() {
    return (this.#edits ??= this.template.edits.map(([op, name, value]) => Object.freeze([op, name, value ?? this.origin])));
  }

  /** For one `writeHead`, where there are no other headers: `[name, value, name, value, ...]`. */
  get flat() {
    return (this.#flat ??= Object.freeze(this.list([], undefined)));
  }

  /** Appends the edits to a flat list of other headers; `vary` is the Vary that was there. */
  list(flat, vary) {
    const { template, origin } = this;
    if (template.vary.length > 0) flat.push('Vary', vary === undefined ? template.varyAlone : mergeVary(vary, template.vary));
    for (const [, name, value] of template.sets) flat.push(name, value ?? origin);
    if (template.responds && template.status !== 204) flat.push('Content-Length', '0');
    return flat;
  }

  /** Applies the edits to the headers that are set; a `vary` that is given takes the place of the one that is. */
  apply(res, vary) {
    const { template, origin } = this;
    for (const name of template.drops) {
      if (res.hasHeader(name)) res.removeHeader(name);
    }
    if (template.vary.length > 0) {
      const value = vary ?? res.getHeader('vary');
      res.setHeader('Vary', value === undefined ? template.varyAlone : mergeVary(value, template.vary));
    }
    const lines = new Map();
    for (const [, name, value] of template.sets) {
      const known = lines.get(name);
      lines.set(name, known === undefined ? (value ?? origin) : [known, value].flat());
    }
    for (const [name, value] of lines) res.setHeader(name, value);
  }
}

/** The value of Vary with these names; nothing is added to `*`. Lines are joined. */
function mergeVary(value, names) {
  const text = typeof value === 'string' ? value : Array.isArray(value) ? value.join(', ') : String(value);
  const known = text.toLowerCase().split(',').map((name) => name.trim());
  if (known.includes('*')) return value;
  const missing = names.filter((name) => !known.includes(name.toLowerCase()));
  if (missing.length === 0) return value;
  return text.trim() === '' ? missing.join(', ') : `${text}, ${missing.join(', ')}`;
}

/** Whether headers were sent, or can no longer be. */
function isSent(res) {
  return res.headersSent === true;
}

/** Sees to it that the edits are applied to whatever the application sends. A response is owned once. */
function own(res, effect) {
  const { writeHead, socket } = res;
  if (
    STORE !== null &&
    writeHead === plainWriteHead &&
    res._storeHeader === plainStoreHeader &&
    // What stands in for a socket is somebody who asks for the headers by their names afterwards.
    (socket === null || socket instanceof Socket)
  ) {
    res[EFFECT] = effect;
    res._storeHeader = storeHeader;
  } else if (!isOwned(res)) {
    res.writeHead = owning(effect, writeHead);
  }
}

/** Whether `own` was called on this response, and nobody has wrapped its `writeHead` since. */
function isOwned(res) {
  return res._storeHeader === storeHeader || res.writeHead[EFFECT] !== undefined;
}

/** A `_storeHeader` that applies the edits. */
function storeHeader(firstLine, headers) {
  const effect = this[EFFECT];
  const { template } = effect;
  // 1xx is not the response.
  if (this.statusCode < 200) return plainStoreHeader.call(this, firstLine, headers);
  if (headers === undefined || headers === null) return plainStoreHeader.call(this, firstLine + effect.linesAndVary, headers);
  if (headers !== this[STORE]) return storeGiven(this, effect, firstLine, headers);
  const { drops } = template;
  for (let index = 0; index < drops.length; index += 1) {
    if (headers[drops[index]] !== undefined) delete headers[drops[index]];
  }
  const { vary } = headers;
  if (vary === undefined || template.vary.length === 0) return plainStoreHeader.call(this, firstLine + effect.linesAndVary, headers);
  headers.vary = [vary[0], mergeVary(vary[1], template.vary)];
  return plainStoreHeader.call(this, firstLine + effect.lines, headers);
}

/** `_storeHeader` with what `writeHead` was given, where no other headers are set. */
function storeGiven(res, effect, firstLine, given) {
  const { flat, vary, isWhole } = untouched(given, effect.template);
  if (isWhole) return plainStoreHeader.call(res, firstLine + effect.linesAndVary, given);
  if (vary === undefined) return plainStoreHeader.call(res, firstLine + effect.linesAndVary, flat);
  flat.push('Vary', mergeVary(vary, effect.template.vary));
  return plainStoreHeader.call(res, firstLine + effect.lines, flat);
}

/**
 * The headers of one of the forms that `writeHead` takes (an object, names and values in turn, or pairs of
 * them) that no edit is about, as a flat list; the Vary among the others; and whether there are no others.
 */
function untouched(given, template) {
  const flat = [];
  let vary;
  let isWhole = true;
  const take = (name, value) => {
    if (typeof name !== 'string' || !template.touches(name)) {
      flat.push(name, value);
      return;
    }
    isWhole = false;
    if (name.length === 4) vary = vary === undefined ? value : [vary, value].flat();
  };
  if (!Array.isArray(given)) for (const name of Object.keys(given)) take(name, given[name]);
  else if (Array.isArray(given[0])) for (const [name, value] of given) take(name, value);
  // An odd length is for node to complain about.
  else if (given.length % 2 === 0) for (let index = 0; index < given.length; index += 2) take(given[index], given[index + 1]);
  return { flat, vary, isWhole };
}

/** A `writeHead` that applies the edits and then calls `prior`. */
function owning(effect, prior) {
  function writeHead(status, reason, headers) {
    // 1xx is not the response; what was sent is for `prior` to complain about.
    if (status < 200 || this.headersSent) return Reflect.apply(prior, this, arguments);
    const isMessage = typeof reason === 'string';
    const given = headers ?? (isMessage ? undefined : reason);
    if (typeof given !== 'object' || given === null) {
      effect.apply(this, undefined);
      return Reflect.apply(prior, this, arguments);
    }
    const { flat, vary, isWhole } = untouched(given, effect.template);
    const write = (rest) => (isMessage ? prior.call(this, status, reason, rest) : prior.call(this, status, rest));
    // With nothing else set, all of it goes into one list, since lines that repeat are kept in no other form.
    if (Array.isArray(given) && this.getHeaderNames().length === 0) return write(effect.list(flat, vary));
    // Otherwise what is given goes over what is set, each form in its own way.
    effect.apply(this, vary);
    if (isWhole) return write(given);
    return write(!Array.isArray(given) ? Object.fromEntries(pairsOf(flat)) : Array.isArray(given[0]) ? pairsOf(flat) : flat);
  }
  writeHead[EFFECT] = effect;
  return writeHead;
}

function pairsOf(flat) {
  return Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index], flat[2 * index + 1]]);
}

/** Sends the answer of an effect that `responds`. Call it only if nothing `isSent`. */
function respond(res, effect) {
  own(res, effect);
  const hasLength = res.hasHeader('Content-Length');
  if (effect.status === 204) {
    if (hasLength) res.removeHeader('Content-Length');
    res.writeHead(204);
  } else {
    // Without a body, `end` writes the length of 0 itself and cheaper, but not for HEAD and not everywhere.
    if (hasLength || res._storeHeader !== storeHeader || res.req?.method === 'HEAD') res.setHeader('Content-Length', '0');
    res.statusCode = effect.status;
  }
  res.end();
}

module.exports = { Effect, STORE, Template, isOwned, isSent, own, respond };
