'use strict';
// A policy that can be replaced while a server runs.

const { describe } = require('./headers.js');
const { internals } = require('./policy.js');

class PolicyCell {
  #policy;
  #generation = 1;

  constructor(policy) {
    this.#policy = checked(policy);
    // A subclass may have fields of its own.
    if (new.target === PolicyCell) Object.freeze(this);
  }

  get policy() {
    return this.#policy;
  }

  set policy(policy) {
    this.#policy = checked(policy);
    this.#generation += 1;
  }

  get generation() {
    return this.#generation;
  }

  evaluate(method, headers) {
    return this.#policy.evaluate(method, headers);
  }

  allowsOrigin(origin, credentials) {
    return this.#policy.allowsOrigin(origin, credentials);
  }
}

/** The policy itself; a TypeError for everything else, objects that only look like one included. */
function checked(policy) {
  try {
    internals(policy);
  } catch {
    throw new TypeError(`policy is ${describe(policy)}, not a Policy`);
  }
  return policy;
}

module.exports = { PolicyCell };
