// The package where the bundler imports WebAssembly as a module: Cloudflare Workers.

import module from './corsac.wasm';
import { load } from './load.mjs';

const corsac = load(module);
export default corsac;
