'use strict';
// The native half of the module as WebAssembly: `native(module)` has the functions that lib/native.js of the Node
// package loads.
//
// An instance in which something trapped is never called again, since its memory may be anything. The call in which
// that happened grants nothing, and what comes next is done by a new instance, in which policies are compiled again
// when they are used.

/**
 * Bytes of a fact that are written. Whatever is longer is longer than anything that the policy of a document could allow.
 * The rules of a bucket allow origins of any length, and tell what method was asked for.
 */
const SHORT = 512;

/** Bytes that the module always has room for, which are enough for all facts that are cut; src/lib.rs has the same number. */
const ROOM = 1 << 16;

/** Bytes of `Access-Control-Request-Headers` that may be allowed, and more than a log line shows. */
const MAX_REQUEST_HEADERS = 8192;
const SHOWN = 129;

/**
 * Stands for a code unit above U+00FF, which no byte of a header can be. It is no byte of an origin, a token or a
 * host, so it matches nothing. It also ends what is too long and was cut, whose length is too large anyway.
 */
const UNREADABLE = 0xff;

/** How facts are told that are no bytes; src/facts.rs has the same list. */
const ABSENT = -1;
const SEVERAL = -2;
const WRONG = -3;
const LINES = -4;

/** Results that are no text: none, and from there on those that tell the length of an error. */
const NONE = -1;
const FAILED = -2;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Fills bytes with random ones; false if the runtime has none. */
function fillRandom(bytes) {
  if (typeof globalThis.crypto?.getRandomValues !== 'function') return false;
  globalThis.crypto.getRandomValues(bytes);
  return true;
}

/** Whether the runtime gives random bytes now. */
function hasRandom() {
  try {
    return fillRandom(new Uint8Array(1));
  } catch {
    return false;
  }
}

/** How many bytes of the one line of a fact are written, if that is more than there is room for anyway. */
function lengthBeyondShort(value, max) {
  if (max === SHORT) return 0;
  const line = Array.isArray(value) && value.length === 1 ? value[0] : value;
  return typeof line === 'string' && line.length > SHORT ? line.length : 0;
}

/** What JavaScript and the module say to one another is wrong for the arguments, not for the module. */
class InvalidArgument extends Error {
  code = 'InvalidArg';
}

/** One instance of the module. */
class Instance {
  /** By which policies know it, so that they do not keep its memory. */
  id = Symbol('corsac.instance');

  /**
   * Whether its randomness is none. Cloudflare Workers refuse randomness before the first request comes, which is when
   * policies are made. They decide as they should, and are compiled again when there is some, so that nobody who sends
   * requests can know the hashes of origins.
   */
  isProvisional = false;

  #exports;
  #bytes = new Uint8Array(0);
  /** Where facts are written to, and where those that were written end. */
  #start;
  #end;

  constructor(module) {
    const random = (pointer, length) => {
      const bytes = this.#memory().subarray(pointer >>> 0, (pointer >>> 0) + length);
      try {
        return fillRandom(bytes) ? 1 : 0;
      } catch {
        this.isProvisional = true;
        return 1;
      }
    };
    this.#exports = new WebAssembly.Instance(module, { corsac: { random } }).exports;
    this.#start = this.#exports.reserve(0) >>> 0;
  }

  /** The bytes of the memory. Those of before are gone when it has grown. */
  #memory() {
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(this.#exports.memory.buffer);
    return this.#bytes;
  }

  /** Calls a function that takes nothing and gives a number. */
  number(name) {
    return this.#exports[name]() >>> 0;
  }

  /** Calls a function with texts, as strings or as bytes, and gives the text that comes out. */
  text(name, ...parts) {
    const encoded = parts.map((part) => (typeof part === 'string' ? encoder.encode(part) : part));
    const lengths = encoded.map((part) => part.length);
    let pointer = this.#exports.reserve(lengths.reduce((sum, length) => sum + length, 0)) >>> 0;
    for (const part of encoded) {
      this.#memory().set(part, pointer);
      pointer += part.length;
    }
    const result = this.#exports[name](...lengths);
    const text = this.#received(result > FAILED ? result : FAILED - result);
    // A document may be large; facts are not.
    this.#start = this.#exports.reserve(0) >>> 0;
    if (result <= FAILED) throw new InvalidArgument(text);
    return text;
  }

  /** The text of this length that came out; undefined for none. */
  #received(length) {
    if (length === NONE) return undefined;
    const pointer = this.#exports.outbox() >>> 0;
    return decoder.decode(this.#memory().subarray(pointer, pointer + length));
  }

  /** `max` bytes at most of `origin` and of `requestMethod` are written. */
  decide(policy, max, method, origin, host, fetchSite, requestMethod, requestHeaders, authority) {
    return this.#call('decide', policy, max, method, origin, host, fetchSite, requestMethod, requestHeaders, authority) >>> 0;
  }

  /** Calls a function of a policy with the facts of a request, and gives the text that comes out. */
  textOf(name, policy, max, facts) {
    const [method, origin, host, fetchSite, requestMethod, requestHeaders, authority] = facts;
    return this.#received(this.#call(name, policy, max, method, origin, host, fetchSite, requestMethod, requestHeaders, authority));
  }

  #call(name, policy, max, method, origin, host, fetchSite, requestMethod, requestHeaders, authority) {
    const long = lengthBeyondShort(origin, max) + lengthBeyondShort(requestMethod, max);
    if (long > 0) this.#start = this.#exports.reserve(ROOM + long) >>> 0;
    const bytes = this.#memory();
    this.#end = this.#start;
    const result = this.#exports[name](
      policy,
      this.#write(bytes, method),
      this.#write(bytes, origin, max),
      this.#write(bytes, host),
      this.#write(bytes, fetchSite),
      this.#write(bytes, requestMethod, max),
      this.#writeRequestHeaders(bytes, requestHeaders),
      this.#write(bytes, authority),
    );
    if (long > 0) this.#start = this.#exports.reserve(0) >>> 0;
    return result;
  }

  allowsOrigin(policy, origin, credentials) {
    const bytes = this.#memory();
    this.#end = this.#start;
    return this.#exports.allows_origin(policy, this.#write(bytes, origin), credentials ? 1 : 0) === 1;
  }

  /** Calls a function of a policy that takes nothing else, and gives the text that comes out. */
  own(name, policy) {
    return this.#received(this.#exports[name](policy));
  }

  release(policy) {
    this.#exports.release(policy);
  }

  /** Writes a fact, and returns how it is told. */
  #write(bytes, value, max = SHORT) {
    if (value === undefined) return ABSENT;
    if (typeof value === 'string') return this.#writeText(bytes, value, max);
    if (!Array.isArray(value)) return WRONG;
    if (value.length !== 1) return value.length === 0 ? ABSENT : SEVERAL;
    return typeof value[0] === 'string' ? this.#writeText(bytes, value[0], max) : WRONG;
  }

  /** Writes `Access-Control-Request-Headers`: as many lines as could matter. */
  #writeRequestHeaders(bytes, value) {
    if (typeof value === 'string') return this.#writeText(bytes, value, MAX_REQUEST_HEADERS + 1);
    if (!Array.isArray(value) || value.length === 0) return this.#write(bytes, value);
    const start = this.#end;
    let joined = 0;
    let shown = 0;
    for (const line of value) {
      if (typeof line !== 'string') return WRONG;
      const isBlank = /^[\t ]*$/.test(line);
      // What is too long already stays so, and a log line leaves blank ones out.
      const isTooLong = joined > MAX_REQUEST_HEADERS + 2;
      if (isTooLong && shown >= SHOWN) break;
      const length = Math.min(line.length, MAX_REQUEST_HEADERS + 1);
      joined += length + 2;
      if (!isBlank) shown += length + 2;
      if (isTooLong && isBlank) continue;
      for (let shift = 0; shift < 32; shift += 8) bytes[this.#end++] = length >>> shift;
      this.#writeText(bytes, line, MAX_REQUEST_HEADERS + 1);
    }
    return LINES - (this.#end - start);
  }

  /** Writes a byte for each code unit, `max` at most, and returns how many. */
  #writeText(bytes, text, max) {
    const start = this.#end;
    const length = text.length < max ? text.length : max;
    for (let index = 0; index < length; index += 1) {
      const unit = text.charCodeAt(index);
      bytes[start + index] = unit > 0xff ? UNREADABLE : unit;
    }
    if (length === max) bytes[start + max - 1] = UNREADABLE;
    this.#end = start + length;
    return length;
  }
}

/** A module, and the one instance of it that is in use. */
class Engine {
  #module;
  #current = null;
  /** Where policies are given back that nobody has any more. Where there is no such thing, they stay. */
  #registry =
    typeof FinalizationRegistry === 'function' ? new FinalizationRegistry((place) => this.#giveBack(place)) : undefined;

  constructor(module) {
    this.#module = module;
  }

  /** Calls with the instance. If that throws what it did not mean to, the instance is done with. */
  use(call) {
    if (this.#current === null || (this.#current.isProvisional && hasRandom())) {
      this.#current = new Instance(this.#module);
    }
    const used = this.#current;
    try {
      return call(used);
    } catch (error) {
      if (error instanceof InvalidArgument) throw error;
      this.#current = null;
      throw new Error(`corsac: the WebAssembly module failed: ${error?.message}`, { cause: error });
    }
  }

  /** A policy is at a place as long as somebody has it. */
  watch(held, place) {
    this.#registry?.register(held, place);
  }

  #giveBack({ owner, number }) {
    if (this.#current?.id !== owner) return;
    try {
      this.use((used) => used.release(number));
    } catch {
      // Nobody waits for it.
    }
  }
}

/** A policy: where it is, and how to make it again. */
class Held {
  #engine;
  #sources;
  /** What was made of the document, as JSON: that has to be the same again. */
  data;
  /** How much of facts it wants. */
  max;
  #place;

  /** `sources` are the arguments of `Instance.text` that compile it. */
  constructor(engine, sources, { number, data }, used) {
    this.#engine = engine;
    this.#sources = sources;
    this.data = JSON.stringify(data);
    this.max = sources[0] === 'compile_s3' ? Infinity : SHORT;
    this.#place = { owner: used.id, number };
    engine.watch(this, this.#place);
  }

  /** What `call` gives with the instance and the number of the policy there, or `failed`, whatever goes wrong. */
  use(failed, call) {
    try {
      return this.#engine.use((used) => {
        if (this.#place.owner !== used.id) this.#makeAgain(used);
        return call(used, this.#place.number);
      });
    } catch {
      return failed;
    }
  }

  #makeAgain(used) {
    const { number, data } = JSON.parse(used.text(...this.#sources));
    if (JSON.stringify(data) !== this.data) throw new Error('the policy is another one');
    this.#place.owner = used.id;
    this.#place.number = number;
  }
}

/** Compiles by a function of the module, from a document and what it takes beside it. */
function compile(engine, name, document, ...others) {
  // It may be needed again, so nobody else may change it.
  const sources = [name, typeof document === 'string' ? encoder.encode(document) : Uint8Array.from(document), ...others];
  return engine.use((used) => {
    const result = JSON.parse(used.text(...sources));
    if (result.data === undefined) return result;
    return { ...functionsOf(new Held(engine, sources, result, used)), ...result.data, style: 0 };
  });
}

/** A boolean as the module reads it: whether there is anything. */
const flag = (value) => (value ? '1' : '');

/**
 * The functions of a policy, as those of the addon. None of them throws: what is of a wrong type, or goes wrong, gets the
 * answer that grants nothing.
 */
function functionsOf(held) {
  const textOf = (name, facts) => {
    const given = facts.map(plain);
    return held.use(undefined, (used, policy) => used.textOf(name, policy, held.max, given));
  };
  function decide(method, origin, host, fetchSite, requestMethod, requestHeaders, authority) {
    const given = [plain(method), plain(origin), plain(host), plain(fetchSite), plain(requestMethod), plain(requestHeaders), plain(authority)];
    return held.use(0, (used, policy) => used.decide(policy, held.max, ...given));
  }
  return {
    decide,
    edits: (...facts) => {
      const text = textOf('edits', facts);
      return text === undefined ? undefined : JSON.parse(text);
    },
    line: (...facts) => textOf('line', facts),
    ruleName: (...facts) => textOf('rule_name', facts),
    escapedOrigin: (...facts) => textOf('escaped_origin', facts),
    allowsOrigin: (origin, credentials) => {
      if (typeof credentials !== 'boolean') return false;
      const given = plain(origin);
      return held.use(false, (used, policy) => used.allowsOrigin(policy, given, credentials));
    },
    s3Answer: (...facts) => textOf('s3_answer', facts),
    s3Xml: () => held.use(undefined, (used, policy) => used.own('s3_xml', policy)),
    document: () => held.use(undefined, (used, policy) => used.own('document', policy)),
    share: refuseToShare,
  };
}

/** An array of its own in place of one that may run code when it is read; that could write facts between these. */
function plain(value) {
  return typeof value === 'object' && Array.isArray(value) ? Array.from(value) : value;
}

/** Each thread has a memory of its own. */
function refuseToShare() {
  throw new Error('corsac: the WebAssembly build shares no policy between threads: send policy.document() and make one of it by Policy.fromJSON');
}

function native(module) {
  const engine = new Engine(module);
  const text = (name, ...parts) => engine.use((used) => used.text(name, ...parts));
  return {
    compile: (document) => compile(engine, 'compile', document),
    compileS3: (document, dialect, strict) => compile(engine, 'compile_s3', document, dialect, flag(strict)),
    s3Error: (name, dialect, origin, requestMethod) => text('s3_error', name, JSON.stringify({ dialect, origin, requestMethod })),
    s3Body: (error, isBucket, requestId, hostId) => text('s3_body', error, flag(isBucket), requestId, hostId),
    simulate: (exchange, profile) => text('simulate', exchange, profile),
    simulateSequence: (sequence, profile) => text('simulate_sequence', sequence, profile),
    explain: (question, document = '', dialect = '', strict = false) => text('explain', question, document, dialect, flag(strict)),
    names: () => JSON.parse(text('names')),
    version: () => text('version'),
    publicSuffixList: () => text('public_suffix_list'),
    maxDocumentBytes: () => engine.use((used) => used.number('max_document_bytes')),
    externalMemory: () => engine.use((used) => used.number('external_memory')),
    // Nothing is shared, so there is no handle of anything.
    sharedPolicy: () => undefined,
    sharedCell: () => undefined,
    releaseShared: () => false,
    newSharedCell: refuseToShare,
    shareCell: refuseToShare,
    loadShared: refuseToShare,
    storeShared: refuseToShare,
  };
}

module.exports = native;
