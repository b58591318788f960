// The package as it is published, and as it is installed from a checkout.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../../bindings/node', import.meta.url));
const tools = fileURLToPath(new URL('node_modules/.bin', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'corsac-'));
after(() => rmSync(folder, { recursive: true }));

const NPM = { npm_config_audit: 'false', npm_config_fund: 'false', npm_config_offline: 'true', npm_config_cache: path.join(folder, 'cache'), npm_config_update_notifier: 'false' };
const run = (command, args, options = {}) => execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...NPM }, ...options });

/** A project of its own, with what is in `dependencies` installed. */
function project(name, ...dependencies) {
  const root = path.join(folder, name);
  mkdirSync(root);
  writeFileSync(path.join(root, 'package.json'), '{"private":true}');
  run('npm', ['install', ...dependencies], { cwd: root });
  return root;
}

describe('the published packages', { timeout: 300_000 }, () => {
  let tarballs;
  before(() => {
    run(process.execPath, [path.join(source, 'scripts/package.mjs'), path.join(folder, 'packages')]);
    const names = readdirSync(path.join(folder, 'packages'));
    tarballs = Object.fromEntries(names.map((name) => [name, path.join(folder, JSON.parse(run('npm', ['pack', '--json', path.join(folder, 'packages', name)]))[0].filename)]));
  });

  test('are the package and one for each platform', () => {
    assert.deepEqual(Object.keys(tarballs), ['corsac', 'corsac-linux-x64-gnu']);
    const manifest = (name) => JSON.parse(readFileSync(path.join(folder, 'packages', name, 'package.json'), 'utf8'));
    const { name, version, dependencies, devDependencies, optionalDependencies, peerDependencies, scripts, private: isPrivate } = manifest('corsac');
    assert.deepEqual({ name, dependencies, devDependencies, peerDependencies, scripts, isPrivate }, {
      name: 'corsac', dependencies: undefined, devDependencies: undefined, peerDependencies: undefined, scripts: undefined, isPrivate: undefined,
    });
    assert.deepEqual(optionalDependencies, { 'corsac-linux-x64-gnu': version });
    const { os, cpu, libc, main, version: same } = manifest('corsac-linux-x64-gnu');
    assert.deepEqual({ os, cpu, libc, main, same }, { os: ['linux'], cpu: ['x64'], libc: ['glibc'], main: 'corsac.linux-x64-gnu.node', same: version });
  });

  test('contain what they need and nothing else', () => {
    const files = (name) => run('tar', ['-tzf', tarballs[name]]).trim().split('\n').map((file) => file.replace('package/', '')).sort();
    const legal = ['LICENSE-APACHE', 'LICENSE-MIT', 'THIRD-PARTY.md'];
    assert.deepEqual(files('corsac-linux-x64-gnu'), [...legal, 'corsac.linux-x64-gnu.node', 'package.json'].sort());
    const code = readdirSync(path.join(source, 'lib')).map((file) => `lib/${file}`);
    assert.deepEqual(
      files('corsac'),
      [...legal, 'README.md', 'package.json', 'index.js', 'index.mjs', 'index.d.ts', 'index.d.mts', 'types-adapters.d.ts', ...code].sort(),
    );
  });

  test('work when they are installed, by require and by import', () => {
    const root = project('installed', tarballs['corsac-linux-x64-gnu'], tarballs.corsac);
    const program = `
      import { createRequire } from 'node:module';
      import * as named from 'corsac';
      const required = createRequire(import.meta.url)('corsac');
      const same = Object.keys(required).every((name) => required[name] === named[name]);
      const missing = Object.keys(required).filter((name) => !(name in named)).concat(Object.keys(named).filter((name) => name !== 'default' && !(name in required)));
      const policy = new named.Policy({ allowOrigins: ['https://app.example.com'] });
      console.log(JSON.stringify([same, missing, String(policy.evaluate('GET', ['Origin', 'https://app.example.com'])), required.version]));`;
    const out = JSON.parse(run(process.execPath, ['--input-type=module', '-e', program], { cwd: root }));
    const { version } = JSON.parse(readFileSync(path.join(source, 'package.json'), 'utf8'));
    assert.deepEqual(out, [true, [], 'actual allowed allowed rule=0 origin="https://app.example.com"', version]);
  });

  test('say what is missing where there is no package for the platform', () => {
    const root = path.join(folder, 'bare');
    mkdirSync(path.join(root, 'node_modules'), { recursive: true });
    cpSync(path.join(folder, 'packages/corsac'), path.join(root, 'node_modules/corsac'), { recursive: true });
    const { status, stderr } = spawnSync(process.execPath, ['-e', "require('corsac')"], { cwd: root, encoding: 'utf8' });
    assert.equal(status, 1);
    assert.match(stderr, /Error: corsac: there is no native half for this platform: neither the package corsac-linux-x64-gnu, which is an optional dependency, nor corsac\.linux-x64-gnu\.node in /);
  });

  test('tell why a native half that is there does not load', () => {
    const root = path.join(folder, 'broken');
    cpSync(path.join(folder, 'packages/corsac'), path.join(root, 'node_modules/corsac'), { recursive: true });
    writeFileSync(path.join(root, 'node_modules/corsac/corsac.linux-x64-gnu.node'), 'no library');
    const { stderr } = spawnSync(process.execPath, ['-e', "require('corsac')"], { cwd: root, encoding: 'utf8' });
    assert.match(stderr, /Error: corsac: .*corsac\.linux-x64-gnu\.node: (file too short|invalid ELF header)/);
  });

  test('have types that every resolver finds', () => {
    const out = JSON.parse(run(path.join(tools, 'attw'), ['--format', 'json', tarballs.corsac]));
    assert.deepEqual(out.analysis.problems, []);
  });

  test('have no fault that publint knows', () => {
    const out = run(path.join(tools, 'publint'), ['--strict', tarballs.corsac]);
    assert.match(out, /All good!/);
  });

  test('have types that compile where nothing else is installed', () => {
    const root = path.join(folder, 'installed');
    writeFileSync(path.join(root, 'a.mts'), "import { Policy, express } from 'corsac';\nexport const handle = express(new Policy({ allowOrigins: '*' }));\n");
    const typeRoots = fileURLToPath(new URL('node_modules/@types', import.meta.url));
    writeFileSync(path.join(root, 'tsconfig.json'), JSON.stringify({
      compilerOptions: { strict: true, noEmit: true, module: 'nodenext', target: 'es2022', lib: ['es2022'], types: ['node'], typeRoots: [typeRoots] },
      files: ['a.mts'],
    }));
    run(path.join(tools, 'tsc'), ['--project', root]);
  });
});

describe('a checkout', { timeout: 300_000 }, () => {
  test('is installed by its folder', () => {
    const root = project('checkout', source);
    const out = run(process.execPath, ['-p', "require('corsac').version"], { cwd: root });
    assert.match(out, /^\d+\.\d+\.\d+\n$/);
  });

  test('says in one line that cargo is missing', () => {
    const copy = path.join(folder, 'copy/bindings/node');
    cpSync(source, copy, { recursive: true, filter: (file) => !/node_modules/.test(path.relative(source, file)) && !file.endsWith('.node') });
    assert(existsSync(path.join(copy, 'Cargo.toml')));
    const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(copy, 'scripts/install.mjs')], { encoding: 'utf8', env: { PATH: folder } });
    assert.equal(stdout, '');
    assert.match(stderr, /^corsac: cargo is missing: install Rust \(https:\/\/[^ ]+\) and try again, since a checkout builds the native half itself\n$/);
    assert.equal(status, 1);
  });

  test('names what is published without a native half and without sources', () => {
    const copy = path.join(folder, 'bare-copy');
    for (const part of ['lib', 'scripts']) cpSync(path.join(source, part), path.join(copy, part), { recursive: true });
    const { status, stderr } = spawnSync(process.execPath, [path.join(copy, 'scripts/install.mjs')], { encoding: 'utf8' });
    assert.equal(status, 1);
    assert.match(stderr, /^corsac: there is no prebuilt package for \w+-\w+, and nothing to build here: install from a checkout of the repository\n$/);
  });
});
