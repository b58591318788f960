// Lays out what is published: `node scripts/package.mjs FOLDER [PLATFORM=FILE...]`
//
// FOLDER/corsac is the package itself, without a native half; FOLDER/corsac-<platform> has the one of a platform,
// such as linux-x64-gnu, and is an optional dependency that npm installs only there. Without PLATFORM=FILE it is
// the one that `scripts/build.mjs` has built.

import { copyFileSync, cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const [folder, ...given] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: package.mjs FOLDER [PLATFORM=FILE...]');

const LIBC = { gnu: 'glibc', musl: 'musl' };
const LEGAL = ['LICENSE-MIT', 'LICENSE-APACHE', 'THIRD-PARTY.md'];
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

/** Platform to the file of its native half. */
const binaries = given.length > 0 ? Object.fromEntries(given.map((pair) => pair.split(/=(.*)/s).slice(0, 2))) : built();

function built() {
  const files = readdirSync(root).filter((file) => /^corsac\..+\.node$/.test(file));
  if (files.length === 0) throw new Error('there is no native half: run `node scripts/build.mjs`');
  return Object.fromEntries(files.map((file) => [file.slice('corsac.'.length, -'.node'.length), path.join(root, file)]));
}

function create(name, content, files) {
  const target = path.join(folder, name);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  writeFileSync(path.join(target, 'package.json'), `${JSON.stringify(content, null, 2)}\n`);
  for (const [file, source] of files) cpSync(source, path.join(target, file), { recursive: true });
  for (const file of LEGAL) copyFileSync(path.join(root, '../..', file), path.join(target, file));
  console.log(target);
}

const { version, description, keywords, license, engines, repository, homepage } = manifest;
for (const [platform, file] of Object.entries(binaries)) {
  const [os, cpu, abi] = platform.split('-');
  const binary = `corsac.${platform}.node`;
  create(
    `corsac-${platform}`,
    {
      name: `corsac-${platform}`, version, description: `The native half of corsac for ${platform}`, license, repository, homepage,
      main: binary, files: [binary, ...LEGAL], engines, os: [os], cpu: [cpu], ...(LIBC[abi] ? { libc: [LIBC[abi]] } : {}),
    },
    [[binary, file]],
  );
}
const { private: _, scripts, devDependencies, ...published } = manifest;
const sources = manifest.files.filter((file) => !file.includes('*') && !LEGAL.includes(file) && !file.startsWith('scripts'));
create(
  manifest.name,
  {
    ...published, description, keywords,
    files: [...sources, ...LEGAL],
    optionalDependencies: Object.fromEntries(Object.keys(binaries).map((platform) => [`corsac-${platform}`, version])),
  },
  [...sources, 'README.md'].map((file) => [file, path.join(root, file)]),
);
