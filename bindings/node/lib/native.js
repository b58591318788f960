'use strict';
// Loads the native half of the module, corsac.<platform>-<arch>[-gnu|-musl|-msvc].node: the one beside package.json,
// which a checkout builds, or else the one of the package for this platform, corsac-<platform>-<arch>[...].

const path = require('node:path');

const root = path.dirname(__dirname);

const SUFFIXES = { linux: ['-gnu', '-musl'], win32: ['-msvc'] };
const names = (SUFFIXES[process.platform] ?? ['']).map((suffix) => `${process.platform}-${process.arch}${suffix}`);

function load() {
  const failures = [];
  for (const name of names) {
    for (const place of [path.join(root, `corsac.${name}.node`), `corsac-${name}`]) {
      try {
        return require(place);
      } catch (error) {
        // A file that is there and does not load tells more than one that is missing.
        if (error.code !== 'MODULE_NOT_FOUND') failures.push(error);
      }
    }
  }
  if (failures.length > 0) {
    throw new Error(`corsac: ${failures[0].message}`, { cause: failures[0] });
  }
  throw new Error(
    `corsac: there is no native half for this platform: neither the package corsac-${names[0]}, which is an optional dependency, ` +
      `nor corsac.${names[0]}.node in ${root}, which \`node scripts/build.mjs\` makes in a checkout and needs Rust (cargo) for`,
  );
}

module.exports = load();
