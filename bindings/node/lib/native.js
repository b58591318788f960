'use strict';
// Loads the native half of the module: corsac.<platform>-<arch>[-gnu|-musl|-msvc].node beside package.json.

const path = require('node:path');

const SUFFIXES = { linux: ['-gnu', '-musl'], win32: ['-msvc'] };

const root = path.dirname(__dirname);
const platform = `${process.platform}-${process.arch}`;
const names = (SUFFIXES[process.platform] ?? ['']).map((suffix) => `corsac.${platform}${suffix}.node`);

function load() {
  const failures = [];
  for (const name of names) {
    try {
      return require(path.join(root, name));
    } catch (error) {
      // A file that is there and does not load tells more than one that is missing.
      if (error.code !== 'MODULE_NOT_FOUND') failures.push(error);
    }
  }
  if (failures.length > 0) {
    throw new Error(`corsac: ${failures[0].message}`, { cause: failures[0] });
  }
  throw new Error(
    `corsac: ${names.join(' or ')} is missing in ${root}; ` +
      'build it with `node scripts/build.mjs` there, which needs Rust (cargo)',
  );
}

module.exports = load();
