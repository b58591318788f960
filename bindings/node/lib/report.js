'use strict';
// Tells of refused requests: on the channel `corsac:refused` of node:diagnostics_channel.
//
// Nothing is made unless somebody listens.

const diagnostics = require('node:diagnostics_channel');

const { describe } = require('./headers.js');

const refused = diagnostics.channel('corsac:refused');

/** Whether anybody wants to know of refused requests. */
function isHeard() {
  return refused.hasSubscribers;
}

/** Publishes a refused decision: a `Decision` of `policy.evaluate`. Call it only if `isHeard`. */
function publish(decision) {
  if (decision.allowed) return;
  const { reason, rule, ruleName, escapedOrigin: origin } = decision;
  refused.publish(Object.freeze({ reason, rule, ruleName, origin, line: String(decision) }));
}

/** Publishes that a handshake was refused; `decision` is the one about a request like it, which may be allowed. */
function publishHandshake({ reason, rule, ruleName, allowed, escapedOrigin: origin }) {
  const told = allowed ? 'origin-not-allowed' : reason;
  const line = `upgrade refused ${told} rule=${rule ?? '-'} origin=${origin === null ? '-' : `"${origin}"`}`;
  refused.publish(Object.freeze({ reason: told, rule, ruleName, origin, line }));
}

/** Reads the options of an adapter: `known` are those it has beside `reportOnly`, with their defaults. */
function readOptions(options = {}, known = {}) {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`options is ${describe(options)}, not an object such as { reportOnly: true }`);
  }
  const read = { reportOnly: false, ...known };
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(read, name)) {
      throw new TypeError(`there is no option ${JSON.stringify(name)}: write one of ${Object.keys(read).join(', ')}`);
    }
    if (value === undefined) continue;
    if (name === 'reportOnly' && typeof value !== 'boolean') {
      throw new TypeError(`reportOnly is ${describe(value)}, not a boolean`);
    }
    read[name] = value;
  }
  return read;
}

module.exports = { isHeard, publish, publishHandshake, readOptions };
