'use strict';
// The package where files can be read: Node, Deno, Bun.

const fs = require('node:fs');
const path = require('node:path');

const { load } = require('./load.cjs');

module.exports = load(new WebAssembly.Module(fs.readFileSync(path.join(__dirname, 'corsac.wasm'))));
