// Builds the native half and puts it beside package.json: `node scripts/build.mjs`. Needs cargo and nothing else.

import { execFileSync } from 'node:child_process';
import { copyFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const FILES = { darwin: 'libcorsac_node.dylib', win32: 'corsac_node.dll' };

// A relative path is meant from where this was started, and cargo is started elsewhere.
const { CARGO_TARGET_DIR: target, ...rest } = process.env;
const env = target ? { ...rest, CARGO_TARGET_DIR: path.resolve(target) } : rest;

function run(command, ...args) {
  return execFileSync(command, args, { cwd: root, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 28 });
}

function suffix() {
  if (process.platform === 'win32') return '-msvc';
  if (process.platform !== 'linux') return '';
  return /^host: .*musl/m.test(run('rustc', '-vV')) ? '-musl' : '-gnu';
}

run('cargo', 'build', '--release', '--locked', '--quiet', '--package', 'corsac-node');
const { target_directory: folder } = JSON.parse(run('cargo', 'metadata', '--format-version', '1', '--no-deps', '--locked'));

const built = path.join(folder, 'release', FILES[process.platform] ?? 'libcorsac_node.so');
const name = `corsac.${process.platform}-${process.arch}${suffix()}.node`;
// By a rename, since a process may have loaded the old file.
copyFileSync(built, path.join(root, `${name}.new`));
renameSync(path.join(root, `${name}.new`), path.join(root, name));
console.log(name);
