'use strict';
// Reads a regular expression that chose origins: what was unsafe in it, and which patterns mean the same.
//
// Only a part of the language is read. Of what is not understood nothing is claimed but what its two ends show.

/** Sequences that a regular expression may be written out into. */
const MAX_SEQUENCES = 64;

/** The characters of hosts in serialized origins. */
const HOST = [...'abcdefghijklmnopqrstuvwxyz0123456789-_.'];
const PRINTABLE = Array.from({ length: 0x5f }, (_, index) => String.fromCharCode(0x20 + index));

const START = Symbol('^');
const END = Symbol('$');
/** One or more characters, dots included, or any number of them. */
const ANYTHING = Symbol('.+');
/** One or more characters of one label. */
const IN_LABEL = Symbol('[a-z0-9-]+');
/** One or more labels, each with its dot. */
const LABELS = Symbol('([^.]+[.])+');
const ANY_PORT = Symbol('(:[0-9]+)?');

/** A character, or a class of them, by the text that means it in a regular expression. */
class Atom {
  #matches;

  constructor(text, flags) {
    this.isDot = text === '.';
    const regexp = new RegExp(`^(?:${text})$`, flags);
    this.#matches = (character) => regexp.test(character);
  }

  /** The characters of `all` that it matches. */
  of(all) {
    return all.filter(this.#matches);
  }

  matches(character) {
    return this.#matches(character);
  }
}

class Unreadable extends Error {}

/**
 * Alternatives, each a list of `{ atom, min, max }`, where an atom is an `Atom`, `START`, `END` or again
 * alternatives. `Unreadable` for look-around, references and whatever else is no such thing.
 */
function parse({ source, flags }) {
  // Without `u`, classes are what they are with it for the characters of an origin.
  const kept = flags.replace(/[^isuv]/g, '');
  let rest = source;
  const take = (regexp) => {
    const [found] = regexp.exec(rest) ?? [];
    if (found !== undefined) rest = rest.slice(found.length);
    return found;
  };

  function alternatives() {
    const all = [sequence()];
    while (take(/^\|/)) all.push(sequence());
    return all;
  }

  function sequence() {
    const items = [];
    while (rest !== '' && !/^[|)]/.test(rest)) {
      const atom = readAtom();
      const quantifier = take(/^(?:[?*+]|\{\d+(?:,\d*)?\})/);
      take(/^\?/);
      items.push({ atom, ...bounds(quantifier) });
    }
    return items;
  }

  function readAtom() {
    if (take(/^\^/)) return START;
    if (take(/^\$/)) return END;
    if (take(/^\((?:\?:|\?<[A-Za-z_]\w*>|(?!\?))/)) {
      const inner = alternatives();
      if (!take(/^\)/)) throw new Unreadable();
      return inner;
    }
    const text = take(/^(?:\[(?:[^\\\]]|\\.)*\]|\\[dDwWsS]|\\[^A-Za-z0-9]|[^\\()[\]{}*+?|])/);
    if (text === undefined) throw new Unreadable();
    try {
      return new Atom(text, kept);
    } catch {
      throw new Unreadable();
    }
  }

  const all = alternatives();
  if (rest !== '') throw new Unreadable();
  return all;
}

function bounds(quantifier) {
  switch (quantifier) {
    case undefined:
      return { min: 1, max: 1 };
    case '?':
      return { min: 0, max: 1 };
    case '*':
      return { min: 0, max: Infinity };
    case '+':
      return { min: 1, max: Infinity };
    default: {
      const [, min, comma, max] = /^\{(\d+)(,?)(\d*)\}$/.exec(quantifier);
      return { min: Number(min), max: comma === '' ? Number(min) : max === '' ? Infinity : Number(max) };
    }
  }
}

/** Whether what stands there is any number of any characters. */
const isAnything = ({ atom, max }) => atom instanceof Atom && max === Infinity && HOST.every((character) => atom.matches(character));

/** Whether each alternative is held at one end: `from` gives its outermost item there, and the others. */
function isAnchored(alternatives, anchor, from) {
  return alternatives.every((items) => {
    const [outer, inner] = from(items);
    if (outer === undefined) return false;
    if (outer.atom === anchor) return inner === undefined || !isAnything(inner);
    return Array.isArray(outer.atom) && outer.min > 0 && isAnchored(outer.atom, anchor, from);
  });
}

const fromStart = ([first, second]) => [first, second];
const fromEnd = (items) => [items.at(-1), items.at(-2)];

/** Whether something holds of an item, or of one within it; it sees the item behind, too. */
function some(alternatives, holds) {
  return alternatives.some((items) =>
    items.some((item, index) => holds(item, items[index + 1]) || (Array.isArray(item.atom) && some(item.atom, holds))),
  );
}

/** The codes of what was unsafe in it. */
function findUnsafe(regexp) {
  const found = [];
  let alternatives;
  try {
    alternatives = parse(regexp);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const { source } = regexp;
    return source.startsWith('^') && /(?:^|[^\\])(?:\\\\)*\$$/.test(source) ? [] : ['unanchored-regexp'];
  }
  const matchesAnything = (items) => items.every((item) => item.atom === START || item.atom === END || isAnything(item));
  if (!isAnchored(alternatives, START, fromStart) || !isAnchored(alternatives, END, fromEnd)) {
    // What matches everything is told as that.
    if (!alternatives.some(matchesAnything)) found.push('unanchored-regexp');
  }
  if (some(alternatives, ({ atom, min, max }) => atom.isDot && min === 1 && max === 1)) found.push('unescaped-dot');
  const isOpen = (item, next) => {
    const [character] = next?.atom instanceof Atom && next.min > 0 ? next.atom.of(HOST) : [];
    return isAnything(item) && character !== undefined && !next.atom.isDot && !next.atom.matches('.') && !next.atom.matches('-');
  };
  if (some(alternatives, isOpen)) found.push('no-label-boundary');
  return found;
}

/** Every sequence of characters and symbols that it is written out; `Unreadable` if there are too many. */
function expand(alternatives) {
  const all = alternatives.flatMap((items) =>
    items.reduce((heads, item) => {
      const tails = expandItem(item);
      if (heads.length * tails.length > MAX_SEQUENCES) throw new Unreadable();
      return heads.flatMap((head) => tails.map((tail) => [...head, ...tail]));
    }, [[]]),
  );
  if (all.length > MAX_SEQUENCES) throw new Unreadable();
  return all;
}

function expandItem({ atom, min, max }) {
  const optional = min === 0 ? [[]] : [];
  if (atom === START || atom === END) return [[atom]];
  if (Array.isArray(atom)) {
    if (min === 0 && max === 1 && atom.length === 1 && isPort(atom[0])) return [[ANY_PORT]];
    const inner = expand(atom);
    if (min === 1 && max === 1) return inner;
    const [only] = inner;
    if (max === 1) return [...optional, ...inner];
    if (max === Infinity && inner.length === 1 && only.length === 2 && only[1] === '.' && (only[0] === IN_LABEL || only[0] === ANYTHING)) {
      return [...optional, [LABELS]];
    }
    throw new Unreadable();
  }
  if (max === Infinity) {
    if (isAnything({ atom, max })) return [[ANYTHING]];
    if (!atom.matches('.') && atom.matches('a') && atom.matches('-')) return [...optional, [IN_LABEL]];
    throw new Unreadable();
  }
  if (max !== 1) throw new Unreadable();
  const characters = atom.of(PRINTABLE).map((character) => character.toLowerCase());
  const distinct = [...new Set(characters)];
  if (distinct.length > 4) throw new Unreadable();
  return [...optional, ...distinct.map((character) => [character])];
}

/** Whether items are a colon and digits. */
function isPort(items) {
  const [colon, digits] = items;
  return (
    items.length === 2 && colon.atom instanceof Atom && colon.min === 1 && colon.atom.of(PRINTABLE).join('') === ':' &&
    digits.atom instanceof Atom && digits.min === 1 && digits.max >= 5 && digits.atom.of(HOST).join('') === '0123456789'
  );
}

/** The pattern that a sequence looks like, if it looks like one. */
function toPattern(sequence) {
  if (sequence[0] !== START || sequence.at(-1) !== END) throw new Unreadable();
  let pattern = '';
  sequence.slice(1, -1).forEach((token, index, tokens) => {
    const leads = pattern.endsWith('://');
    if (typeof token === 'string') pattern += token;
    else if (token === ANYTHING && leads && tokens[index + 1] === '.') pattern += '*';
    else if (token === LABELS && leads) pattern += '*.';
    else if (token === IN_LABEL && !(leads && tokens[index + 1] === '.')) pattern += '*';
    else if (token === ANY_PORT && index === tokens.length - 1) pattern += ':*';
    else throw new Unreadable();
  });
  return pattern;
}

/** Patterns that mean what it means, if they are found; the caller has to compare them. */
function findPatterns(regexp) {
  try {
    return [...new Set(expand(parse(regexp)).map(toPattern))];
  } catch (error) {
    if (error instanceof Unreadable) return [];
    throw error;
  }
}

/** Origins, and what is close to one, by which patterns can be told from a regular expression. */
function makeProbes(patterns) {
  const probes = new Set(['null', 'https://other.example', 'http://localhost', 'https://localhost']);
  for (const pattern of patterns) {
    for (const filling of ['a', 'z-9', 'a.b', 'x_y', '0', 'x.y.z', 'm--n', 'a.x_y', `${'a'.repeat(40)}`]) {
      const origin = pattern.replace(/:\*$/, '').replace('*', filling);
      const [, scheme, host, port] = /^([a-z]+):\/\/(.*?)(:\d+)?$/.exec(origin) ?? [];
      if (scheme === undefined) continue;
      const hosts = [host, `x${host}`, `x-${host}`, `x.${host}`, `x_y.${host}`, `${host}x`, `${host}.x`, `${host}.evil.test`, host.replace('.', 'x'),
        host.slice(1), host.split('.').slice(1).join('.'), host.replace('-', ''), host.replace(/[^.]+/, '$&y')];
      for (const each of hosts) {
        for (const ending of [port ?? '', '', ':1', ':80', ':443', ':8080', ':65535']) {
          for (const start of ['http', 'https']) probes.add(`${start}://${each}${ending}`);
        }
      }
    }
  }
  return probes;
}

module.exports = { findUnsafe, findPatterns, makeProbes };
