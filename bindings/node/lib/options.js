'use strict';
// Turns what `new Policy` is given into a document, and the problems of the document back into the caller's words.
//
// Options have camelCase keys, a document has snake_case keys. The first key that is either tells
// which of the two it is; a key of the other kind is a key that does not exist.

const { describe } = require('./headers.js');

/** How deep values may lie: no key has a value as deep as this. */
const MAX_DEPTH = 32;

/** The JSON text of `options`, and the function that renames its problems. */
function readOptions(options) {
  if (!isPlainObject(options)) {
    const hint = typeof options === 'string' ? '; Policy.fromJSON reads text' : '';
    throw new TypeError(`options is ${describe(options)}, not a plain object${hint}`);
  }
  rejectSymbols(options, 'options');
  const keys = Object.keys(options).filter((key) => options[key] !== undefined);
  const style = keys.find((key) => isSnakeCase(key) || isCamelCase(key));
  const names = style !== undefined && isSnakeCase(style) ? null : new Names(keys);
  const members = keys.map((key) => {
    const name = names === null ? key : names.document(key);
    return `${JSON.stringify(name)}:${write(options[key], pathOfKey(key), 1)}`;
  });
  const rename = (problem) => {
    problem.line = null;
    problem.column = null;
    names?.rename(problem);
  };
  return { text: `{${members.join(',')}}`, rename };
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

/** The names of options with camelCase keys, in the document and back. */
class Names {
  #keys;
  /** From the document's key to the option's. */
  #original = new Map();

  constructor(keys) {
    this.#keys = new Set(keys);
  }

  /** The document's key for an option. */
  document(key) {
    let name = toSnakeCase(key);
    // A snake_case key must not become the key it looks like: with this it is close to it and unknown.
    if (isSnakeCase(key)) name += '\0';
    this.#original.set(name, key);
    return name;
  }

  /** Makes a problem of the document one of the options. */
  rename(problem) {
    if (problem.code === 'unknown-key') {
      const key = this.#original.get(problem.value) ?? problem.value;
      const nearest = problem.suggestion === null ? null : toCamelCase(problem.suggestion);
      problem.path = pathOfKey(key);
      problem.value = key;
      problem.suggestion = this.#keys.has(nearest) ? null : nearest;
      const why = isSnakeCase(key)
        ? ' beside camelCase keys: options are camelCase keys or a document with its snake_case keys, never a mixture'
        : '';
      const repair = problem.suggestion === null ? 'remove it' : `write ${JSON.stringify(problem.suggestion)}`;
      problem.message = `there is no key ${JSON.stringify(key)}${why}, ${repair}`;
      return;
    }
    problem.path = problem.path.replace(/^[a-z_]+/, toCamelCase);
    // Keys stand outside of quotes, values inside.
    problem.message = problem.message.replace(
      /"(?:[^"\\]|\\.)*"|\b[a-z]+(?:_[a-z]+)+\b/g,
      (word) => (word.startsWith('"') ? word : toCamelCase(word)),
    );
  }
}

/** A key as the path of a problem has it. */
function pathOfKey(key) {
  return /^[A-Za-z0-9_$]+$/.test(key) ? key : `[${JSON.stringify(key)}]`;
}

/** JSON text of a value; what JSON does not know is a TypeError, never left out and never `null`. */
function write(value, path, depth) {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'boolean':
      return String(value);
    case 'number':
      if (!Number.isFinite(value)) break;
      // A whole number is one however large; JSON.stringify would write 1e+21.
      return Number.isInteger(value) ? String(BigInt(value)) : JSON.stringify(value);
    case 'object':
      if (value === null) return 'null';
      if (depth > MAX_DEPTH) throw new TypeError(`${path} lies deeper than ${MAX_DEPTH} levels`);
      if (Array.isArray(value)) {
        return `[${Array.from(value, (element, index) => write(element, `${path}[${index}]`, depth + 1)).join(',')}]`;
      }
      if (!isPlainObject(value)) break;
      rejectSymbols(value, path);
      return `{${Object.keys(value)
        .filter((key) => value[key] !== undefined)
        .map((key) => `${JSON.stringify(key)}:${write(value[key], `${path}.${key}`, depth + 1)}`)
        .join(',')}}`;
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
  if (symbols.length > 0) throw new TypeError(`${path} has the key ${String(symbols[0])}, which no policy can have`);
}

module.exports = { readOptions };
