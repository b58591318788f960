'use strict';
// The answer to one request, and how the integers of the native half become one.
//
// A policy has a few ready answers, made when it is built. The native `decide` names one of them in its
// integer, so that the request path builds nothing natively and, where a request is like the last one
// with this integer, nothing at all:
//
//   reason (bits 0 to 7) | kind (8, 9) | rule plus one, or 0 (10 to 17) | index of the answer (18 to 29)
//
// 0 is no decision: something was no string, or the native half failed. Nothing may be granted then.

const native = require('./native.js');

const names = native.names();

const ILLEGAL = Symbol('decisions come from policies');

class Decision {
  /** The policy that decided, and the facts that were decided. */
  #compiled;
  #facts;

  constructor(key, verdict, answer, ruleName, headers, compiled, facts) {
    if (key !== ILLEGAL) throw new TypeError('decisions come from policy.evaluate');
    const rule = ruleOf(verdict);
    this.kind = names.kinds[kindOf(verdict)];
    this.action = answer.action;
    this.status = answer.status;
    this.allowed = isAllowed(verdict);
    this.reason = names.reasons[verdict & 0xff];
    this.rule = rule < 0 ? null : rule;
    this.ruleName = ruleName;
    this.headers = headers;
    this.#compiled = compiled;
    this.#facts = facts;
    Object.freeze(this);
  }

  get escapedOrigin() {
    return this.#compiled.escapedOrigin(...this.#facts) ?? null;
  }

  toString() {
    return this.#compiled.line(...this.#facts);
  }
}

function kindOf(verdict) {
  return (verdict >>> 8) & 0b11;
}

/** The index of the rule in an integer of `decide`; -1 if none decided. */
function ruleOf(verdict) {
  return ((verdict >>> 10) & 0xff) - 1;
}

/** Whether the decision behind an integer allows the request. */
function isAllowed(verdict) {
  return names.allowed[verdict & 0xff] === true;
}

/** One ready answer: its edits are frozen, and complete unless it `echoes` or has an `originIndex`. */
class Answer {
  constructor({ action, status, echoes, edits }) {
    this.action = action;
    this.status = status;
    /** Whether only the native `edits` knows the edits. */
    this.echoes = echoes;
    /** Where values of edits are the request's Origin. */
    this.originIndexes = echoes ? [] : edits.flatMap(({ value }, index) => ((value ?? null) === null ? [index] : []));
    this.edits = Object.freeze(edits.map(({ op, name, value }) => Object.freeze([op, name, value ?? null])));
    Object.freeze(this);
  }

  /** The edits for a request with this Origin. */
  editsFor(origin) {
    if (this.originIndexes.length === 0) return this.edits;
    const edits = this.edits.slice();
    for (const index of this.originIndexes) {
      const [op, name] = edits[index];
      edits[index] = Object.freeze([op, name, origin]);
    }
    return Object.freeze(edits);
  }
}

/** The index of the answer in an integer of `decide`. */
function answerIndex(verdict) {
  return verdict >>> 18;
}

/** Makes a decision of an integer that is not 0. */
function makeDecision(verdict, answer, ruleName, headers, compiled, facts) {
  return new Decision(ILLEGAL, verdict, answer, ruleName, headers, compiled, facts);
}

module.exports = { Answer, Decision, answerIndex, isAllowed, makeDecision, ruleOf };
