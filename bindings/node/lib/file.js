'use strict';
// Reads a document from a file that may be anything: endless, a folder, a pipe.

const fs = require('node:fs');
const { fileURLToPath } = require('node:url');

const native = require('./native.js');

/** One byte more than a document may have, so that it is seen to be too large. */
const MAX_BYTES = native.maxDocumentBytes() + 1;

/** The bytes of a file, and its path. Whatever goes wrong, the error names the file. */
function readFile(pathOrURL) {
  let path = String(pathOrURL);
  try {
    if (pathOrURL instanceof URL) path = fileURLToPath(pathOrURL);
    return { path, bytes: readBytes(path) };
  } catch (error) {
    if (error.message.includes(path)) throw error;
    const { message } = error;
    const named = new (error instanceof TypeError ? TypeError : Error)(`${message}: '${path}'`, { cause: error });
    throw Object.assign(named, error, { path });
  }
}

function readBytes(path) {
  const file = fs.openSync(path, 'r');
  try {
    // The size is a guess: it is 0 for devices, and files grow.
    let bytes = Buffer.allocUnsafe(Math.min(fs.fstatSync(file).size + 1, MAX_BYTES));
    let length = 0;
    for (;;) {
      const read = fs.readSync(file, bytes, length, bytes.length - length, null);
      length += read;
      if (read === 0 || length === MAX_BYTES) return bytes.subarray(0, length);
      if (length === bytes.length) {
        const larger = Buffer.allocUnsafe(Math.min(Math.max(2 * length, 1 << 16), MAX_BYTES));
        bytes.copy(larger, 0, 0, length);
        bytes = larger;
      }
    }
  } finally {
    fs.closeSync(file);
  }
}

module.exports = { readFile };
