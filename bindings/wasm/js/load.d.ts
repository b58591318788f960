/**
 * The package on a module of WebAssembly, which is what `corsac.wasm` is compiled to: for runtimes whose
 * `corsac-wasm` cannot find it by itself. What it returns has everything that the package `corsac` has.
 *
 * ```js
 * import { load } from 'corsac-wasm/load';
 *
 * const corsac = load(await WebAssembly.compileStreaming(fetch('/corsac.wasm')));
 * ```
 *
 * It is `corsac.wasm` of the same version. Each call makes an instance with a memory of its own: the policies of one are
 * no policies of another.
 */
export function load(module: WebAssembly.Module): typeof import('./index.js');
