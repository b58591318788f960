'use strict';
// The modules of Node that the package uses: those of the runtime, or what does as well without them.

const empty = class {};

/** By name: a member that the runtime's module must have to be used, and what takes its place. */
const SUBSTITUTES = {
  crypto: ['randomUUID', { randomUUID: () => globalThis.crypto.randomUUID() }],
  diagnostics_channel: ['channel', { channel: () => ({ hasSubscribers: false, publish() {} }) }],
  fs: ['openSync', { openSync: fail('there are no files in this runtime: use Policy.fromJSON') }],
  // Where there is no node:http, there are no responses of it either.
  http: ['ServerResponse', { ServerResponse: empty, OutgoingMessage: empty }],
  net: ['Socket', { Socket: empty }],
  stream: ['Readable', { Readable: empty }],
  url: ['fileURLToPath', { fileURLToPath: (url) => String(url) }],
  util: ['types', { types: { isSharedArrayBuffer } }],
};

function fail(message) {
  return () => {
    throw new Error(message);
  };
}

function isSharedArrayBuffer(value) {
  return typeof SharedArrayBuffer === 'function' && value instanceof SharedArrayBuffer;
}

/** A module of Node, which `find` gives if the runtime has it. */
function moduleOf(name, find) {
  const [member, substitute] = SUBSTITUTES[name];
  let module;
  try {
    module = find(`node:${name}`);
  } catch {
    // Then there is none.
  }
  return module?.[member] === undefined ? substitute : module;
}

const isNodeLike = typeof globalThis.process?.versions === 'object' && typeof globalThis.process.env === 'object';

/** What is looked at of `process`. */
const processLike = isNodeLike ? globalThis.process : { env: {}, versions: {} };

module.exports = { moduleOf, processLike };
