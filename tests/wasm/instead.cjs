'use strict';
// Puts the WebAssembly module where the Node package expects its addon: `node --require instead.cjs`, so that the tests of
// the Node package test it, in workers and other processes too.

const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');

const wasm = path.join(__dirname, '../../bindings/wasm');
const file = path.join(__dirname, '../../bindings/node/lib/native.js');
const native = new Module(file);
native.exports = require(path.join(wasm, 'js/native.js'))(new WebAssembly.Module(fs.readFileSync(path.join(wasm, 'dist/corsac.wasm'))));
native.loaded = true;
Module._cache[file] = native;
