'use strict';
// Explanations, and the model of the browser behind them.

const native = require('./native.js');
const { describe } = require('./headers.js');
const { internals, isPolicy } = require('./policy.js');

/** Calls a native function with a value as JSON, and gives what its JSON says. */
function call(what, value, invoke) {
  if (typeof value !== 'object' || value === null) throw new TypeError(`${what} is ${describe(value)}, not an object`);
  let answer;
  try {
    answer = invoke(JSON.stringify(value));
  } catch (error) {
    throw error.code === 'InvalidArg' ? new TypeError(error.message) : error;
  }
  return JSON.parse(answer);
}

function profileOf(options) {
  const profile = options?.profile ?? 'standard';
  if (typeof profile !== 'string') throw new TypeError(`profile is ${describe(profile)}, not a string`);
  return profile;
}

function simulate(exchange, options) {
  return call('exchange', exchange, (text) => native.simulate(text, profileOf(options)));
}

function simulateSequence(sequence, options) {
  return call('sequence', sequence, (text) => native.simulateSequence(text, profileOf(options)));
}

function explain(question, policy) {
  if (policy != null && !isPolicy(policy)) throw new TypeError(`policy is ${describe(policy)}, not a Policy`);
  const { dialect, strict = false } = policy == null ? {} : internals(policy);
  return call('question', question, (text) => native.explain(text, policy?.document(), dialect, strict));
}

module.exports = { browser: Object.freeze({ simulate, simulateSequence }), explain };
