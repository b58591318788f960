'use strict';
// A compiled policy, and the one place that calls its native functions.

const { randomUUID } = require('node:crypto');
const { types } = require('node:util');

const native = require('./native.js');
const { Answer, answerIndex, makeDecision, ruleOf } = require('./decision.js');
const { Effects } = require('./effects.js');
const { readFile } = require('./file.js');
const { describe, readHeaders } = require('./headers.js');
const { PolicyError, makeProblems } = require('./problems.js');
const { STYLES, readOptions, renameProblem } = require('./options.js');
const { makeS3Error } = require('./s3.js');
const { hold, idOf, unknownHandle } = require('./share.js');

/** The native functions of a policy. */
const FUNCTIONS = ['decide', 'edits', 'line', 'ruleName', 'escapedOrigin', 's3Answer', 'allowsOrigin', 'document', 's3Xml', 'share'];

/** What the native half made of a document. */
class Compiled {
  /** By rule, once one of its decisions was made. */
  #ruleNames = [];

  constructor(data, style) {
    const { answers, warnings, warningsUnreported } = data;
    for (const name of FUNCTIONS) this[name] = data[name];
    this.style = style;
    // The integer for every request without Origin, whatever else it holds, so that those need no call.
    this.notCors = data.notCors;
    // Of S3 rules OPTIONS is another matter, and an actual request is decided by its method too.
    this.dialect = data.dialect ?? undefined;
    this.isS3 = this.dialect !== undefined;
    this.strict = data.strict;
    this.answers = Object.freeze(answers.map((answer) => new Answer(answer)));
    this.warnings = makeProblems(warnings, (problem) => renameProblem(problem, style));
    this.warningsUnreported = warningsUnreported;
    // Forgotten with the policy.
    this.effects = new Effects(this);
    Object.freeze(this);
  }

  /** The name of a rule by which `facts` were decided. */
  nameOf(rule, facts) {
    if (rule < 0) return null;
    const known = this.#ruleNames[rule];
    return known !== undefined ? known : (this.#ruleNames[rule] = this.ruleName(...facts) ?? null);
  }
}

function compile(document, style = STYLES.text, source = null) {
  return compiledOf(native.compile(document), style, source);
}

function compiledOf(result, style, source) {
  if (result.problems !== undefined) {
    const problems = makeProblems(result.problems, (problem) => renameProblem(problem, style));
    throw new PolicyError(problems, result.unreported, source, makeS3Error(result.s3Error));
  }
  return new Compiled(result, style);
}

/** The policy of what the native half gives for one that was shared. */
function ofShared(data) {
  return new Policy(new Compiled(data, data.style));
}

/** The internals of a policy, for the middlewares of this package; see `Policy.#compiled`. */
let internals;

/** Whether a value is a policy, rather than looks like one. */
let isPolicy;

class Policy {
  /**
   * `decide(method, origin, host, fetchSite, requestMethod, requestHeaders, authority)` gives an integer
   * (decision.js says which), `answers` the ready answer for it. Facts are strings, arrays of strings
   * (several lines) or undefined (no such header); code units above U+00FF match nothing.
   */
  #compiled;
  /** Under which id it is shared. */
  #sharedId = null;
  /** By integer: the last decision, if another request can be known to be like the one it was made for. */
  #ready = new Map();

  constructor(options) {
    if (options instanceof Compiled) {
      this.#compiled = options;
    } else {
      const { text, style } = readOptions(options);
      this.#compiled = compile(text, style);
    }
    // A subclass may have fields of its own.
    if (new.target === Policy) Object.freeze(this);
  }

  static {
    internals = (policy) => policy.#compiled;
    isPolicy = (value) => typeof value === 'object' && value !== null && #compiled in value;
  }

  static fromJSON(text) {
    return new (classOf(this))(compile(readText(text)));
  }

  static fromFile(path) {
    if (typeof path !== 'string' && !(path instanceof URL)) {
      throw new TypeError(`path is ${describe(path)}, not a string or a URL`);
    }
    const file = readFile(path);
    return new (classOf(this))(compile(file.bytes, undefined, file.path));
  }

  static fromS3(text, options = {}) {
    if (typeof options !== 'object' || options === null) {
      throw new TypeError(`options is ${describe(options)}, not an object`);
    }
    const { dialect = 'zenko', strict = false } = options;
    if (typeof dialect !== 'string') throw new TypeError(`dialect is ${describe(dialect)}, not a string`);
    if (typeof strict !== 'boolean') throw new TypeError(`strict is ${describe(strict)}, not a boolean`);
    return new (classOf(this))(compiledOf(native.compileS3(readText(text), dialect, strict), STYLES.text, null));
  }

  static from(handle) {
    const data = native.sharedPolicy(idOf(handle, 'policy'));
    if (data == null) throw unknownHandle('policy');
    return ofShared(data);
  }

  static release(handle) {
    return native.releaseShared(idOf(handle, 'policy'));
  }

  share() {
    const id = (this.#sharedId ??= randomUUID());
    hold(this.#compiled, id);
    return Object.freeze({ corsac: 'policy', id });
  }

  evaluate(method, headers) {
    const compiled = this.#compiled;
    if (typeof method !== 'string') throw new TypeError(`method is ${describe(method)}, not a string`);
    const { origin, requestMethod, requestHeaders, host, authority, fetchSite } = readHeaders(headers);
    const verdict =
      origin === undefined && !compiled.isS3
        ? compiled.notCors
        : compiled.decide(method, origin, host, fetchSite, requestMethod, requestHeaders, authority);
    const ready = this.#ready.get(verdict);
    if (
      ready !== undefined &&
      ready.origin === origin &&
      (verdict === compiled.notCors || (ready.requestMethod === requestMethod && ready.requestHeaders === requestHeaders))
    ) {
      return ready.decision;
    }

    const answer = verdict === 0 ? undefined : compiled.answers[answerIndex(verdict)];
    if (answer === undefined) throw new Error('corsac: no decision could be made');
    const facts = [method, origin, host, fetchSite, requestMethod, requestHeaders, authority];
    const edits = answer.echoes ? freezeEdits(compiled.edits(...facts)) : answer.editsFor(origin);
    const decision = makeDecision(verdict, answer, compiled.nameOf(ruleOf(verdict), facts), edits, compiled, facts);
    if (facts.every(isBrief)) {
      if (ready === undefined) {
        this.#ready.set(verdict, { origin, requestMethod, requestHeaders, decision });
      } else {
        ready.origin = origin;
        ready.requestMethod = requestMethod;
        ready.requestHeaders = requestHeaders;
        ready.decision = decision;
      }
    }
    return decision;
  }

  allowsOrigin(origin, credentials = true) {
    const compiled = this.#compiled;
    if (typeof credentials !== 'boolean') {
      throw new TypeError(`credentials is ${describe(credentials)}, not a boolean`);
    }
    if (origin === undefined || origin === null) return false;
    if (typeof origin !== 'string') throw new TypeError(`origin is ${describe(origin)}, not a string`);
    return compiled.allowsOrigin(origin, credentials);
  }

  document() {
    const text = this.#compiled.document();
    if (text === undefined) throw new RangeError('the document is longer than a string can be');
    return text;
  }

  s3Headers(method, headers) {
    return s3Answer(this.#compiled, method, headers).headers;
  }

  s3Error(method, headers) {
    return makeS3Error(s3Answer(this.#compiled, method, headers).error);
  }

  s3Xml() {
    const { isS3, s3Xml } = this.#compiled;
    const xml = s3Xml();
    if (xml === undefined && isS3) throw new Error('corsac: no XML could be made');
    return xml ?? null;
  }

  get warnings() {
    return this.#compiled.warnings;
  }

  get warningsUnreported() {
    return this.#compiled.warningsUnreported;
  }
}

/** The subclass whose method was called, or, for one that was passed around, the class itself. */
function classOf(receiver) {
  return typeof receiver === 'function' && receiver.prototype instanceof Policy ? receiver : Policy;
}

/** Whether a fact is one line at most, and short enough to be kept for the next request. */
function isBrief(fact) {
  return fact === undefined || (typeof fact === 'string' && fact.length <= 512);
}

/** What S3 answers a request: its headers, and its error or null. */
function s3Answer(compiled, method, headers) {
  if (typeof method !== 'string') throw new TypeError(`method is ${describe(method)}, not a string`);
  const { origin, requestMethod, requestHeaders, host, authority, fetchSite } = readHeaders(headers);
  const text = compiled.s3Answer(method, origin, host, fetchSite, requestMethod, requestHeaders, authority);
  if (text === undefined) throw new Error('corsac: no decision could be made');
  return JSON.parse(text);
}

function freezeEdits(edits) {
  if (edits === undefined) throw new Error('corsac: no decision could be made');
  return Object.freeze(edits.map(Object.freeze));
}

/** Text for the native half, which must see what is no Unicode rather than a replacement for it. */
function readText(text) {
  if (typeof text === 'string') {
    return text.isWellFormed() ? text : encodeIllFormed(text);
  }
  if (!(text instanceof Uint8Array)) {
    throw new TypeError(`text is ${describe(text)}, not a string or a Uint8Array`);
  }
  // Shared bytes could change while they are read.
  return types.isSharedArrayBuffer(text.buffer) ? Uint8Array.from(text) : text;
}

/** The bytes of a string up to its first lone surrogate, which becomes a byte that UTF-8 never has. */
function encodeIllFormed(text) {
  const before = new TextEncoder().encode(text.slice(0, text.search(/\p{Surrogate}/u)));
  const bytes = new Uint8Array(before.length + 1).fill(0xff, before.length);
  bytes.set(before);
  return bytes;
}

module.exports = { Policy, internals, isPolicy, ofShared };
