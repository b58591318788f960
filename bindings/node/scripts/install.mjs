// Runs when npm installs the package from a checkout: builds the native half unless it is there and loads.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

function loads() {
  try {
    createRequire(import.meta.url)('../lib/native.js');
    return true;
  } catch {
    return false;
  }
}

function fail(reason) {
  console.error(`corsac: ${reason}`);
  process.exit(1);
}

if (!loads()) {
  if (!existsSync(path.join(root, 'Cargo.toml'))) {
    fail(`there is no prebuilt package for ${process.platform}-${process.arch}, and nothing to build here: install from a checkout of the repository`);
  }
  if (spawnSync('cargo', ['--version'], { stdio: 'ignore' }).status !== 0) {
    fail('cargo is missing: install Rust (https://www.rust-lang.org/tools/install) and try again, since a checkout builds the native half itself');
  }
  const { status } = spawnSync(process.execPath, [path.join(root, 'scripts/build.mjs')], { stdio: 'inherit' });
  if (status !== 0) fail('the native half could not be built; what cargo says is above');
}
