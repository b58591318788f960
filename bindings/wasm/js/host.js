'use strict';
// The modules of Node that the package uses: those of the runtime, or what does as well without them.

const Unknown = class {};

const refuse = (message) => () => {
  throw new Error(message);
};

/** What is used of each. */
const SUBSTITUTES = {
  crypto: { randomUUID: () => globalThis.crypto.randomUUID() },
  diagnostics_channel: { channel: () => ({ hasSubscribers: false, publish() {} }) },
  fs: { openSync: refuse('corsac: this runtime has no files: use Policy.fromJSON') },
  // Without node:http there are no requests and responses of it; `Headers` look at values themselves.
  http: { ServerResponse: Unknown, OutgoingMessage: Unknown, validateHeaderValue() {} },
  net: { Socket: Unknown },
  stream: { Readable: Unknown },
  url: { fileURLToPath: String },
  util: { types: { isSharedArrayBuffer: (value) => typeof SharedArrayBuffer === 'function' && value instanceof SharedArrayBuffer } },
};

/** A module of Node: what `find` gives, if that is a whole one. */
function moduleOf(name, find) {
  const substitute = SUBSTITUTES[name];
  try {
    const module = find(`node:${name}`);
    return Object.keys(substitute).every((member) => module[member] !== undefined) ? module : substitute;
  } catch {
    return substitute;
  }
}

/** The members of `process` that are used. */
const processLike = {
  versions: globalThis.process?.versions ?? {},
  env: {
    /** The only one that is read. Deno throws where it may not be. */
    get CORSAC_NODE_INTERNALS() {
      try {
        return globalThis.process?.env?.CORSAC_NODE_INTERNALS;
      } catch {
        return undefined;
      }
    },
  },
  emitWarning: (...warning) => globalThis.process?.emitWarning?.(...warning),
};

module.exports = { moduleOf, processLike };
