'use strict';
// Turns what `new Policy` is given into a document, and the problems of the document back into the caller's words.
//
// Options have camelCase keys, a document has snake_case keys, at the top as well as in each rule. The
// first key that is either tells which of the two it is; a key of the other kind is a key that does not exist.

const { describe } = require('./headers.js');

/** How deep values may lie: no key has a value as deep as this. */
const MAX_DEPTH = 32;

/** Characters of a key that are shown. */
const MAX_SHOWN = 120;

/** Codes of problems whose value is a key. */
const KEY_PROBLEMS = new Set(['unknown-key', 'duplicate-key', 'key-beside-rules', 'top-level-key-in-rule']);

/** How a policy was written, and so how its problems name things. A number, since threads share it. */
const STYLES = { text: 0, camelCase: 1, snakeCase: 2 };

/** The JSON text of `options`, and the style in which they are written. */
function readOptions(options) {
  if (!isPlainObject(options)) {
    const hint = typeof options === 'string' ? '; Policy.fromJSON reads text' : '';
    throw new TypeError(`options is ${describe(options)}, not a plain object${hint}`);
  }
  const members = new Members(options, '', readNested);
  const style = members.keys().find((key) => isSnakeCase(key) || isCamelCase(key));
  const isDocument = style !== undefined && isSnakeCase(style);
  return {
    text: members.write(isDocument ? SNAKE_CASE : CAMEL_CASE, 0),
    style: isDocument ? STYLES.snakeCase : STYLES.camelCase,
  };
}

/** Makes a problem of the document one of what the policy was written as. */
function renameProblem(problem, style) {
  if (style === STYLES.text) return;
  problem.line = null;
  problem.column = null;
  (style === STYLES.snakeCase ? SNAKE_CASE : CAMEL_CASE).rename(problem);
}

/** An object whose keys are keys of policies: the options themselves, a rule, `expect`. Read once. */
class Members {
  #path;
  #entries;

  /** `nested` finds further ones in a value. */
  constructor(object, path, nested = (key, value) => value) {
    rejectSymbols(object, path);
    this.#path = path;
    this.#entries = Object.entries(object)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, nested(key, value)]);
  }

  /** All keys, in the order in which they stand. */
  keys() {
    const within = (value) => (value instanceof Members ? value.keys() : []);
    return this.#entries.flatMap(([key, value]) => {
      const further = key === 'rules' && Array.isArray(value) ? value.flatMap(within) : within(value);
      return [key, ...further];
    });
  }

  write(names, depth) {
    const member = ([key, value]) => `${JSON.stringify(names.document(key))}:${write(value, within(this.#path, key), names, depth + 1)}`;
    return `{${this.#entries.map(member).join(',')}}`;
  }
}

function readNested(key, value) {
  if (key === 'expect' && isPlainObject(value)) return new Members(value, 'expect');
  if (key !== 'rules' || !Array.isArray(value)) return value;
  return Array.from(value, (rule, index) => (isPlainObject(rule) ? new Members(rule, `rules[${index}]`) : rule));
}

function isSnakeCase(key) {
  return key.includes('_');
}

function isCamelCase(key) {
  return /^[a-z]+[A-Z]/.test(key);
}

function toSnakeCase(key) {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function toCamelCase(key) {
  return key.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
}

/** A document's keys: they need no other names. */
const SNAKE_CASE = {
  document: (key) => key,
  rename(problem) {
    if (problem.code === 'unknown-key' && isCamelCase(problem.value)) {
      problem.message = describeMixture(problem, 'snake_case');
    }
  },
};

/** Options' keys: they have other names in the document. */
const CAMEL_CASE = {
  // A snake_case key must not become the key it looks like: with a NUL it is close to it and unknown.
  document: (key) => (/[_\0]/.test(key) ? `${key}\0` : toSnakeCase(key)),

  /** Makes a problem of the document one of the options. */
  rename(problem) {
    const { code, value } = problem;
    if (!KEY_PROBLEMS.has(code)) {
      problem.path = toCamelCase(problem.path);
    } else {
      const key = value.endsWith('\0') ? value.slice(0, -1) : toCamelCase(value);
      const [object] = /^(rules\[\d+\]|expect(?=[.[]))?/.exec(problem.path);
      problem.path = within(object, key);
      problem.value = key;
      problem.suggestion &&= toCamelCase(problem.suggestion);
      if (code === 'unknown-key') {
        problem.message = isSnakeCase(key) ? describeMixture(problem, 'camelCase') : describeUnknown(problem);
        return;
      }
    }
    // Keys stand outside of quotes, values inside.
    problem.message = problem.message.replace(
      /"(?:[^"\\]|\\.)*"|\b[a-z]+(?:_[a-z]+)+\b/g,
      (word) => (word.startsWith('"') ? word : toCamelCase(word)),
    );
  },
};

function describeUnknown({ value, suggestion }, why = '') {
  const repair = suggestion === null ? 'remove it' : `write ${quote(suggestion)}`;
  return `there is no key ${quote(value)}${why}, ${repair}`;
}

function describeMixture(problem, style) {
  const why = ` beside ${style} keys: options are camelCase keys or a document with its snake_case keys, never a mixture`;
  return describeUnknown(problem, why);
}

/** JSON text in which nothing moves the cursor or hides, cut where it gets long. */
function quote(text) {
  const shown = text.length > MAX_SHOWN ? Array.from(text.slice(0, 2 * MAX_SHOWN)).slice(0, MAX_SHOWN).join('') : text;
  const escaped = JSON.stringify(shown).replace(/[\p{C}\u2028\u2029]/gu, (it) =>
    Array.from({ length: it.length }, (_, index) => `\\u${it.charCodeAt(index).toString(16).padStart(4, '0')}`).join(''),
  );
  return shown.length < text.length ? `${escaped}...` : escaped;
}

/** The path of a key of the object at `path`. */
function within(path, key) {
  if (key.length > MAX_SHOWN || !/^[A-Za-z0-9_$]+$/.test(key)) return `${path}[${quote(key)}]`;
  return path === '' ? key : `${path}.${key}`;
}

/** JSON text of a value; what JSON does not know is a TypeError, never left out and never `null`. */
function write(value, path, names, depth) {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'boolean':
      return String(value);
    case 'number':
      if (!Number.isFinite(value)) break;
      // A whole number is one however large; JSON.stringify would write 1e+21.
      return Number.isInteger(value) ? String(BigInt(value)) : JSON.stringify(value);
    case 'object': {
      if (value === null) return 'null';
      if (depth > MAX_DEPTH) throw new TypeError(`${path} lies deeper than ${MAX_DEPTH} levels`);
      if (value instanceof Members) return value.write(names, depth);
      if (Array.isArray(value)) {
        return `[${Array.from(value, (element, index) => write(element, `${path}[${index}]`, names, depth + 1)).join(',')}]`;
      }
      // Whatever else is an object belongs nowhere, and its keys are nobody's.
      if (isPlainObject(value)) return new Members(value, path).write(SNAKE_CASE, depth);
    }
  }
  throw new TypeError(`${path} is ${describe(value)}, which no policy can have`);
}

function isPlainObject(value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  // Objects of another realm have another Object.prototype, which has no prototype either.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function rejectSymbols(object, path) {
  const symbols = Object.getOwnPropertySymbols(object);
  if (symbols.length > 0) throw new TypeError(`${path || 'options'} has the key ${String(symbols[0])}, which no policy can have`);
}

module.exports = { STYLES, readOptions, renameProblem };
