'use strict';
// Turns the options of the packages `cors` and `@fastify/cors` into a policy document, and tells what stays behind.
//
// What a value allows, and whether it may stand in a policy, the core is asked. This file knows the other packages.

const { describe } = require('./headers.js');
const { Policy } = require('./policy.js');
const { PolicyError } = require('./problems.js');
const { findPatterns, findUnsafe, makeProbes } = require('./regexp.js');

const PACKAGES = {
  cors: { methods: 'GET,HEAD,PUT,PATCH,POST,DELETE' },
  '@fastify/cors': { methods: 'GET,HEAD,POST' },
};

/** Options that only `@fastify/cors` has. */
const FASTIFY_ONLY = ['hook', 'delegator', 'cacheControl', 'preflight', 'strictPreflight', 'hideOptionsRoute', 'logLevel'];

const KNOWN = new Set([
  'origin', 'methods', 'allowedHeaders', 'exposedHeaders', 'credentials', 'maxAge', 'preflightContinue', 'optionsSuccessStatus',
]);

/** Warnings of a policy about what need not be there: leaving it out changes nothing. */
const NEEDLESS = new Set(['duplicate', 'safelisted-method', 'safelisted-response-header']);

/** Problems that are guards: what was configured is dangerous, and was so before. */
const GUARDS = new Set([
  'null-origin', 'null-origin-with-credentials', 'any-origin-with-credentials', 'any-host-with-credentials',
  'insecure-origin-with-credentials', 'public-suffix-with-credentials',
]);

/** Warnings that say nothing here, and of which there may be many. */
const ACKNOWLEDGED = [
  'insecure-origin', 'any-host', 'public-suffix', 'origin-with-trailing-dot', 'origin-covered',
  'any-origin-of-scheme-with-credentials', 'lower-case-patch', 'json-will-not-get-through',
];

const DELEGATED =
  'options that a function makes are in no policy: make a policy for each case, and choose by path or by a function of the request';

const UNSAFE = {
  'unanchored-regexp': 'it is not held by ^ and $ at both ends, so that it matches origins with something before or behind what was meant',
  'unescaped-dot': 'a dot in it stands for any character, so that it matches other hosts too: \\. is a dot',
  'no-label-boundary': 'what is before the name need not end with a dot, so that it matches other hosts that end like this one',
};

/** Takes the options of one of the packages apart. */
class Migration {
  lost = [];
  unsafe = [];
  /** `null` where the options turn CORS off. */
  document = {};
  /** By key of the document: where in the options each of its values came from. */
  #sources = { allow_origins: [], allow_methods: [], allow_headers: [], expose_headers: [] };

  constructor(options, from) {
    this.from = from;
    this.isFastify = from === '@fastify/cors';
    this.options = options;
  }

  run() {
    const { options } = this;
    if (typeof options === 'function') {
      this.lose('', options, 'function', DELEGATED);
      return;
    }
    if (this.isFastify && options.delegator) {
      // Then the other options decide nothing.
      this.lose('delegator', options.delegator, 'function', DELEGATED);
      this.readOthers();
      return;
    }
    this.readOrigins();
    this.credentials = this.readCredentials();
    this.readList('methods', 'allow_methods', PACKAGES[this.from].methods);
    this.readAllowedHeaders();
    this.readList('exposedHeaders', 'expose_headers');
    this.readMaxAge();
    this.readPreflights();
    this.readOthers();
    if (this.document !== null) this.settle();
  }

  lose(path, value, code, message, suggestion = null) {
    this.lost.push(note(path, value, code, message, suggestion));
  }

  warn(path, value, code, message, suggestion = null) {
    this.unsafe.push(note(path, value, code, message, suggestion));
  }

  has(name) {
    return this.options[name] !== undefined;
  }

  // --- Origins ------------------------------------------------------------------------------------------

  readOrigins() {
    const { options, isFastify } = this;
    this.reflectsAll = false;
    if (!Object.hasOwn(options, 'origin')) return this.allowEveryone();
    const { origin } = options;
    if (origin === '*') return this.allowEveryone();
    if (isFastify && Array.isArray(origin) && origin.includes('*')) return this.allowEveryone();
    if (!origin) {
      if (origin !== false) {
        const effect = isFastify ? 'fails every request' : 'turns CORS off';
        this.lose('origin', origin, 'no-origin', `an origin that is ${describe(origin)} ${effect}: say who may read, or leave corsac out`);
      }
      this.document = null;
      return undefined;
    }
    this.document.allow_origins = [];
    this.readOrigin(origin, 'origin');
    if (this.reflectsAll) {
      delete this.document.allow_origins;
      this.#sources.allow_origins = [];
      if (!this.wantsCredentials()) this.allowEveryone();
    } else if (Array.isArray(origin) && origin.flat(Infinity).every((element) => !element)) {
      // Nobody was allowed, which no policy says: none is needed.
      this.document = null;
    }
    return undefined;
  }

  allowEveryone() {
    this.document.allow_origins = '*';
    this.everyone = !this.reflectsAll;
  }

  readOrigin(origin, path) {
    if (Array.isArray(origin)) {
      origin.forEach((element, index) => this.readOrigin(element, `${path}[${index}]`));
    } else if (typeof origin === 'function') {
      this.lose(
        path, origin, 'function',
        'no function decides in a policy: list the origins, and put another policy into a PolicyCell when they change',
      );
    } else if (origin instanceof RegExp) {
      this.readRegExp(origin, path);
    } else if (typeof origin === 'string' || origin instanceof String) {
      this.readName(String(origin), path);
    } else if (origin) {
      this.reflectsAll = true;
      const code = this.wantsCredentials() ? 'reflects-any-origin-with-credentials' : 'reflects-any-origin';
      const reach = this.wantsCredentials()
        ? 'every page of the web could read answers to requests with the cookies of whoever looks at it; list the origins that may'
        : 'every page of the web, and the origin null, may read: a policy says so by "*"';
      this.warn(path, origin, code, `the Origin of any request is sent back: ${reach}`);
      if (this.wantsCredentials()) this.lose(path, origin, code, 'no policy allows everyone with credentials');
    }
  }

  readName(name, path) {
    if (name === '') return this.lose(path, name, 'no-origin', 'an empty text is no origin: it allowed nobody');
    if (!name.includes('*')) {
      this.document.allow_origins.push(name);
      this.#sources.allow_origins.push(path);
      return undefined;
    }
    const means = tryPolicy({ allow_origins: [name], dangerously_allow: ['insecure-origins', 'public-suffixes'] });
    return this.lose(
      path, name, 'literal-wildcard',
      `${this.from} compares it character by character, so that it allowed nobody; a pattern of a policy allows more than that`,
      means.policy === null || name === '*' ? null : name,
    );
  }

  readRegExp(regexp, path) {
    const patterns = equalPatterns(regexp);
    const suggestion = patterns === null ? null : patterns.length === 1 ? patterns[0] : JSON.stringify(patterns);
    const repair = patterns === null ? 'list the origins, or patterns such as https://*.example.com' : 'these patterns allow the same origins';
    this.lose(path, regexp, 'regexp', `there are no regular expressions in a policy: ${repair}`, suggestion);
    // Without the flags by which a test changes the next one.
    const fresh = new RegExp(regexp.source, regexp.flags.replace(/[gy]/g, ''));
    if (fresh.test('https://corsac.invalid') && fresh.test('http://192.0.2.1:8080')) {
      const code = this.wantsCredentials() ? 'reflects-any-origin-with-credentials' : 'reflects-any-origin';
      this.warn(path, regexp, code, 'it matches every origin, so that the Origin of any request is sent back');
    }
    if (fresh.test('null')) this.warn(path, regexp, 'null-origin', 'it matches null, the origin of every sandboxed frame and of local files');
    for (const code of findUnsafe(regexp)) this.warn(path, regexp, code, UNSAFE[code]);
    if (!this.isFastify && /[gy]/.test(regexp.flags)) {
      this.warn(
        path, regexp, 'stateful-regexp',
        'with the flag g or y each test begins where the one before ended, so that it refuses what it just allowed',
      );
    }
  }

  // --- Credentials and lists ----------------------------------------------------------------------------

  wantsCredentials() {
    const { credentials } = this.options;
    return this.isFastify ? Boolean(credentials) : credentials === true;
  }

  /** Whether credentials were allowed in effect. */
  readCredentials() {
    const { credentials } = this.options;
    if (!this.wantsCredentials()) {
      if (credentials) this.lose('credentials', credentials, 'no-effect', 'only true allows credentials in cors: it had no effect');
      return false;
    }
    if (this.document === null) return false;
    if (this.everyone) {
      this.lose(
        'credentials', credentials, 'no-effect',
        'browsers take no "*" for a request with credentials: it had no effect; list the origins that may send them',
      );
      return false;
    }
    this.document.allow_credentials = true;
    return true;
  }

  /** A list of names, as an array or joined by commas, into the document. */
  readList(name, key, absent = '') {
    const { options } = this;
    if (this.document === null) return;
    // An option that is there and nothing is not the one that is absent.
    const value = Object.hasOwn(options, name) ? (options[name] ?? '') : absent;
    if (!(typeof value === 'string' || Array.isArray(value))) {
      this.lose(name, value, 'wrong-type', `${name} is ${describe(value)}, neither an array of names nor names joined by commas`);
      return;
    }
    const isList = Array.isArray(value);
    for (const [index, element] of (isList ? value : [value]).entries()) {
      const path = isList ? `${name}[${index}]` : name;
      if (typeof element !== 'string') {
        this.lose(path, element, 'wrong-type', `a name is ${describe(element)}, not a string`);
        continue;
      }
      for (const part of element.split(',').map((text) => text.trim()).filter(Boolean)) this.addName(key, part, path);
    }
  }

  addName(key, name, path) {
    if (name === '*' && this.credentials) {
      this.lose(
        path, name, 'star-with-credentials',
        'beside credentials browsers take "*" for everything only where a request has none: list the names',
      );
      return;
    }
    if (name === '*' && key === 'allow_headers') {
      this.lose(
        path, name, 'star-without-authorization',
        'browsers do not let "*" cover the header authorization; the "*" of a policy covers it',
      );
    }
    (this.document[key] ??= []).push(name);
    this.#sources[key].push(path);
  }

  readAllowedHeaders() {
    if (this.document === null) return;
    const { options, isFastify } = this;
    const name = !isFastify && !options.allowedHeaders && options.headers ? 'headers' : 'allowedHeaders';
    const value = options[name];
    const reflects = isFastify ? value === null || !Object.hasOwn(options, name) : !value;
    // What a request asks for is sent back, which is what "*" means.
    if (reflects) this.document.allow_headers = '*';
    else this.readList(name, 'allow_headers');
  }

  // --- Numbers and preflights -----------------------------------------------------------------------------

  readMaxAge() {
    const { maxAge } = this.options;
    if (this.document === null || maxAge === undefined || maxAge === null || maxAge === '' || maxAge === false) return;
    const seconds = /^\d+$/.test(String(maxAge).trim()) ? Number(maxAge) : NaN;
    const { problems } = tryPolicy({ allow_origins: '*', max_age: seconds >= 0 ? seconds : 0.5 });
    if (problems.length === 0) {
      this.document.max_age = seconds;
    } else if (Number.isNaN(seconds)) {
      const suggestion = Number(maxAge) < 0 ? '0' : null;
      this.lose(
        'maxAge', maxAge, 'max-age-out-of-range',
        'browsers take whole seconds: what they cannot read is 5 seconds to them, and 0 turns their cache off',
        suggestion,
      );
    } else {
      const [{ code, suggestion }] = problems;
      this.lose('maxAge', maxAge, code, 'no browser keeps a preflight that long', suggestion ?? null);
    }
  }

  readPreflights() {
    const { optionsSuccessStatus: status, preflightContinue } = this.options;
    if (status !== undefined && this.document !== null) {
      if (status === 200) this.document.preflight_status = 200;
      else if (status !== 204) this.lose('optionsSuccessStatus', status, 'preflight-status', 'a preflight is answered with 200 or 204', '204');
    }
    if (preflightContinue) {
      this.lose(
        'preflightContinue', preflightContinue, 'preflight-continue',
        'a policy answers preflights itself; an OPTIONS request that is none reaches the application',
      );
    }
  }

  readOthers() {
    const { options } = this;
    for (const name of Object.keys(options)) {
      const value = options[name];
      if (KNOWN.has(name) || value === undefined || (name === 'headers' && !this.isFastify)) continue;
      if (!this.isFastify || !FASTIFY_ONLY.includes(name)) {
        this.lose(name, value, 'unknown-option', `${this.from} has no option ${name}: it had no effect`);
        continue;
      }
      const message = describeFastify(name, value);
      if (message !== null) this.lose(name, value, 'host-option', message);
    }
  }

  // --- What the core says ----------------------------------------------------------------------------------

  /** Takes out of the document what no policy can have, or what would mean more there than it did. */
  settle() {
    const { document } = this;
    for (;;) {
      const named = Array.isArray(document.allow_origins) ? document.allow_origins.length > 0 : document.allow_origins !== undefined;
      // Without anybody named, the rest is looked at all the same.
      const somebody = named ? document.allow_origins : ['https://corsac.invalid'];
      const { problems, warnings } = tryPolicy({ ...document, allow_origins: somebody, acknowledge: ACKNOWLEDGED });
      const found = [...problems, ...warnings]
        .map((problem) => ({ problem, place: /^(\w+)\[(\d+)\]$/.exec(problem.path) }))
        .filter(({ place }) => place !== null && this.#sources[place[1]]?.length > 0);
      const isNeedless = ({ problem }) => NEEDLESS.has(problem.code);
      const goes = ({ problem, place: [, key, index] }) => this.judge(problem, key, Number(index), problems.length > 0);
      let removed = found.filter((each) => !isNeedless(each) && goes(each));
      // Only then, since what is a duplicate of something that goes has to stay.
      if (removed.length === 0) removed = found.filter(isNeedless);
      if (removed.length === 0) break;
      const places = new Set(removed.map(({ problem }) => problem.path));
      for (const key of Object.keys(this.#sources)) {
        const keep = (_, index) => !places.has(`${key}[${index}]`);
        if (!Array.isArray(document[key])) continue;
        document[key] = document[key].filter(keep);
        this.#sources[key] = this.#sources[key].filter(keep);
      }
    }
    for (const key of Object.keys(this.#sources)) {
      const value = document[key];
      if (!Array.isArray(value)) continue;
      if (value.length === 0) delete document[key];
      else if (value.length === 1 && value[0] === '*') document[key] = '*';
    }
  }

  /** Whether a value goes, which is told where it meant something. */
  judge({ code, value, message, suggestion }, key, index, isError) {
    const path = this.#sources[key][index];
    if (isError) {
      if (GUARDS.has(code)) this.warn(path, value, code, message, suggestion);
      this.lose(path, value, code, message, suggestion);
      return true;
    }
    if (code !== 'made-canonical' || key === 'allow_headers' || key === 'expose_headers') return false;
    this.lose(
      path, value, 'not-canonical',
      'as it is written it equals nothing that browsers send, so that it allowed nothing',
      suggestion ?? canonicalOf(key, value),
    );
    return true;
  }
}

/** What a policy, and a document of it, make of a value that is not written as browsers write it. */
function canonicalOf(key, value) {
  const { policy } = tryPolicy({ allow_origins: ['https://corsac.invalid'], [key]: [value], dangerously_allow: ['insecure-origins'] });
  return policy === null ? null : (JSON.parse(policy.document())[key]?.[0] ?? null);
}

function describeFastify(name, value) {
  switch (name) {
    case 'hook':
      return value === 'onRequest' ? null : 'corsac decides in onRequest, before anything else answers, so that every response is covered';
    case 'delegator':
      return null; // told already
    case 'cacheControl':
      return 'no cache but that of the browser keeps a preflight, which maxAge is for';
    case 'preflight':
      return value === true ? null : 'a policy answers preflights itself; `config: { corsac: false }` leaves a route alone';
    case 'strictPreflight':
      return 'an OPTIONS request that is no preflight is not answered but reaches the application';
    case 'hideOptionsRoute':
      return value === true ? null : 'no OPTIONS route is added, so that there is none to show';
    case 'logLevel':
      return 'no OPTIONS route is added; a preflight is answered in a hook, with the log level of the instance';
    default:
      return null;
  }
}

/** Patterns that allow exactly what a regular expression allows, as far as origins go; null if there are none. */
function equalPatterns(regexp) {
  const patterns = findPatterns(regexp);
  if (patterns.length === 0) return null;
  const { policy, warnings } = tryPolicy({ allow_origins: patterns });
  if (policy === null || warnings.some(({ code }) => code === 'made-canonical')) return null;
  const wellFormed = new Policy({ allowOrigins: ['https://*:*', 'http://*:*'] });
  const fresh = new RegExp(regexp.source, regexp.flags.replace(/[gy]/g, ''));
  for (const probe of makeProbes(patterns)) {
    const isOrigin = probe === 'null' || wellFormed.allowsOrigin(probe, false);
    if (isOrigin && fresh.test(probe) !== policy.allowsOrigin(probe, false)) return null;
  }
  return patterns;
}

/** The policy of a document with its warnings, or all that is wrong with it. */
function tryPolicy(document) {
  try {
    const policy = new Policy(document);
    return { policy, problems: [], warnings: policy.warnings };
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    return { policy: null, problems: error.problems, warnings: [] };
  }
}

function note(path, value, code, message, suggestion) {
  return Object.freeze({ code, path, value: show(value), message, suggestion: suggestion ?? null });
}

/** A string as it is, JSON where there is some, otherwise as it is written. */
function show(value) {
  if (typeof value === 'string') return value;
  if (value === undefined) return null;
  if (typeof value === 'function') return `function ${value.name}`.trim();
  if (value instanceof RegExp || typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  if (typeof value === 'number') return String(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return describe(value);
  }
}

function migrate(options = {}, { from } = {}) {
  if (typeof options !== 'function' && (typeof options !== 'object' || options === null || Array.isArray(options))) {
    throw new TypeError(`options is ${describe(options)}, neither an object nor a function`);
  }
  if (from !== undefined && !Object.hasOwn(PACKAGES, from)) {
    throw new TypeError(`from is ${JSON.stringify(String(from))}; write one of: ${Object.keys(PACKAGES).join(', ')}`);
  }
  const tells = FASTIFY_ONLY.some((name) => Object.hasOwn(options, name));
  const migration = new Migration(options, from ?? (tells ? '@fastify/cors' : 'cors'));
  migration.run();
  const { document, lost, unsafe } = migration;
  return { from: migration.from, document, lost: inOrder(lost, options), unsafe: inOrder(unsafe, options) };
}

/** Notes in the order of the options. */
function inOrder(notes, options) {
  const names = Object.keys(options);
  const placeOf = ({ path }) => [names.indexOf(path.replace(/\[.*/s, '')), ...(path.match(/\d+/g) ?? []).map(Number)];
  const places = new Map(notes.map((each) => [each, placeOf(each)]));
  const compare = (one, other) => {
    const [first, second] = [places.get(one), places.get(other)];
    const index = first.findIndex((number, at) => number !== second[at]);
    return index < 0 ? 0 : first[index] - (second[index] ?? -1);
  };
  return Object.freeze([...notes].sort(compare));
}

module.exports = { migrate };
