// Lays out the package in bindings/wasm/dist: `node package.mjs FILE`, with the module that cargo has built.
//
// Its JavaScript is that of bindings/node, in one file that needs no module of Node: load.cjs and load.mjs, which differ in
// how they export `load` and find modules of Node where there are some. Only lib/native.js, which loads the addon there, is js/native.js.

import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(here, '../..');
const node = path.join(root, 'bindings/node');
const target = path.join(here, 'dist');
const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: package.mjs FILE');

const read = (...names) => readFileSync(path.join(...names), 'utf8');
const manifest = read(here, 'package.json');
const { version } = JSON.parse(manifest);

/** A module of CommonJS as a function, under its name. */
const wrap = (name, text) => `${JSON.stringify(name)}(module, require, process) {\n${text.replace(/^'use strict';\n/, '')}},\n`;

const libraries = readdirSync(path.join(node, 'lib')).filter((name) => name !== 'native.js');
const sources = [
  ...libraries.map((name) => wrap(name.slice(0, -'.js'.length), read(node, 'lib', name))),
  wrap('index', read(node, 'index.js').replaceAll(/^exports\./gm, 'module.exports.')),
  wrap('native', read(here, 'js/native.js')),
  wrap('host', read(here, 'js/host.js')),
];

const bundle = `// Written by bindings/wasm/package.mjs.

const modules = {
${sources.join('\n')}};

function run(name, require, process) {
  const module = { exports: {} };
  modules[name](module, require, process);
  return module.exports;
}

const host = run('host');
const makeNative = run('native');

function load(module) {
  if (Object.prototype.toString.call(module) !== '[object WebAssembly.Module]') {
    throw new TypeError('module is no WebAssembly.Module: compile corsac.wasm, as by WebAssembly.compile(bytes)');
  }
  const native = makeNative(module);
  if (native.version() !== ${JSON.stringify(version)}) {
    throw new Error(\`corsac: corsac.wasm is of version \${native.version()}, and the JavaScript that loads it of ${version}\`);
  }
  const loaded = { native };
  const require = (specifier) => {
    if (specifier.startsWith('node:')) return host.moduleOf(specifier.slice('node:'.length), findModule);
    const [, name] = /([^/]+)\\.js$/.exec(specifier);
    return (loaded[name] ??= run(name, require, host.processLike));
  };
  return require('./index.js');
}
`;

rmSync(target, { recursive: true, force: true });
mkdirSync(target);
const write = (name, text) => writeFileSync(path.join(target, name), text);
const copy = (from, name) => copyFileSync(from, path.join(target, name));

/** What \`index\` exports by name. */
const names = Array.from(read(node, 'index.js').matchAll(/^exports\.(\w+) =/gm), ([, name]) => name);
const named = `export const { ${names.join(', ')} } = corsac;\n`;

write('package.json', manifest);
write('load.cjs', `'use strict';\n${bundle}\nconst findModule = (name) => require(name);\n\nexports.load = load;\n`);
write('load.mjs', `${bundle}\nconst findModule = (name) => globalThis.process?.getBuiltinModule?.(name);\n\nexport { load };\n`);
write('index.mjs', `// The same module for \`import\`: one instance, however it is loaded.\n\nimport corsac from './index.cjs';\n\nexport default corsac;\n${named}`);
write('workerd.mjs', read(here, 'js/workerd.mjs') + named);
copy(path.join(here, 'js/index.cjs'), 'index.cjs');
copy(file, 'corsac.wasm');
for (const name of ['load.d.ts', 'load.d.mts']) copy(path.join(here, 'js/load.d.ts'), name);
for (const name of ['index.d.ts', 'index.d.mts', 'types-adapters.d.ts', 'README.md']) copy(path.join(node, name), name);
for (const name of ['LICENSE-MIT', 'LICENSE-APACHE', 'THIRD-PARTY.md']) copy(path.join(root, name), name);
console.log(path.relative(process.cwd(), target));
