'use strict';
// Handles by which the threads of a process share policies and cells: plain data, so that they can be sent
// to workers, whose id nobody can guess.

const { randomUUID } = require('node:crypto');

const { describe } = require('./headers.js');
const native = require('./native.js');

/** Holds a policy in the registry of the process, until it is released. */
function hold(compiled, id) {
  if (!compiled.share(id, compiled.style)) throw new Error('corsac: the policy could not be shared');
}

/** Calls with the id of a policy that is held meanwhile: how one native object is told about another. */
function whileHeld(compiled, call) {
  const id = randomUUID();
  hold(compiled, id);
  try {
    return call(id);
  } finally {
    native.releaseShared(id);
  }
}

/** The id in a handle; a TypeError for what is none, and for one of another kind. */
function idOf(handle, kind) {
  if (typeof handle !== 'object' || handle === null || typeof handle.id !== 'string' || typeof handle.corsac !== 'string') {
    throw new TypeError(`handle is ${describe(handle)}, not what ${kind}.share() gives`);
  }
  if (handle.corsac !== kind) {
    throw new TypeError(`handle is that of a ${handle.corsac}, not of a ${kind}`);
  }
  return handle.id;
}

function unknownHandle(kind) {
  return new Error(
    `corsac: there is no ${kind} for this handle: it was released, or comes from another process or another copy of the package`,
  );
}

module.exports = { hold, idOf, unknownHandle, whileHeld };
