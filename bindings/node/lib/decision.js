'use strict';
// The answer to one request, and how the integers of the native half become one.
//
// A policy has a handful of ready answers, made when it is built. The native `decide` names one of
// them in its integer, so that the request path builds nothing natively and, where the answer does
// not depend on the origin, nothing at all:
//
//   reason (bits 0 to 7) | kind (8, 9) | rule plus one, or 0 (10 to 17) | index of the answer (18 to 29)
//
// 0 is no decision: something was no string, or the native half failed. Nothing may be granted then.

const native = require('./native.js');

const names = native.names();

const ILLEGAL = Symbol('decisions come from policies');

class Decision {
  constructor(key, verdict, answer, headers) {
    if (key !== ILLEGAL) throw new TypeError('decisions come from policy.evaluate');
    const rule = (verdict >>> 10) & 0xff;
    this.kind = names.kinds[kindOf(verdict)];
    this.action = answer.action;
    this.status = answer.status;
    this.allowed = isAllowed(verdict);
    this.reason = names.reasons[verdict & 0xff];
    this.rule = rule === 0 ? null : rule - 1;
    this.ruleName = null;
    this.headers = headers;
    Object.freeze(this);
  }
}

function kindOf(verdict) {
  return (verdict >>> 8) & 0b11;
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
    /** Where the value of the edit is the request's Origin; -1 if nowhere. */
    this.originIndex = echoes ? -1 : edits.findIndex((edit) => (edit.value ?? null) === null);
    this.edits = Object.freeze(edits.map(({ op, name, value }) => Object.freeze([op, name, value ?? null])));
    Object.freeze(this);
  }

  /** The edits for a request with this Origin. */
  editsFor(origin) {
    if (this.originIndex < 0) return this.edits;
    const edits = this.edits.slice();
    const [op, name] = edits[this.originIndex];
    edits[this.originIndex] = Object.freeze([op, name, origin]);
    return Object.freeze(edits);
  }
}

/** The index of the answer in an integer of `decide`. */
function answerIndex(verdict) {
  return verdict >>> 18;
}

/** Makes a decision of an integer that is not 0. */
function makeDecision(verdict, answer, edits) {
  return new Decision(ILLEGAL, verdict, answer, edits);
}

module.exports = { Answer, Decision, answerIndex, isAllowed, makeDecision };
