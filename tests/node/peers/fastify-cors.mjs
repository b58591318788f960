// The tests of `@fastify/cors`, which its package carries, run with corsac behind its options; and which of
// them do not pass, each with its reason.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import vm from 'node:vm';

import corsac from '../../../bindings/node/index.js';

const require = createRequire(import.meta.url);
const folder = path.join(path.dirname(require.resolve('@fastify/cors')), 'test');

/**
 * What stands in for `@fastify/cors`: it migrates the options of the instance, and those of a route in
 * `config.cors`.
 */
function cors(instance, options, done) {
  try {
    const policyOf = (given) => {
      const { document } = corsac.migrate(given, { from: '@fastify/cors' });
      return document === null ? null : new corsac.Policy(document);
    };
    const policy = policyOf(options);
    instance.addHook('onRoute', (route) => {
      const own = route.config?.cors;
      if (own !== undefined) route.config = { ...route.config, corsac: own === false ? null : policyOf({ ...options, ...own }) };
    });
    corsac.fastify(instance, { policy: policy ?? (() => null) }, done);
  } catch (error) {
    done(error);
  }
}
cors[Symbol.for('skip-override')] = true;

/** All tests of the package: `{ file, title, run }`; titles that are there twice get a number. */
export function collect() {
  return readdirSync(folder).filter((file) => file.endsWith('.test.js')).sort().flatMap((file) => {
    const found = [];
    const test = (title, run) => {
      const times = found.filter((other) => other.title.replace(/ \(\d+\)$/, '') === title).length;
      found.push({ file, title: times === 0 ? title : `${title} (${times + 1})`, run: () => runOne(run) });
    };
    const filename = path.join(folder, file);
    const theirs = createRequire(filename);
    const load = (name) => (name === 'node:test' ? { test } : name === '..' || name === '../' ? cors : theirs(name));
    vm.runInThisContext(`(function (require, __filename, __dirname) {${repair(readFileSync(filename, 'utf8'))}\n})`, { filename })(load, filename, folder);
    return found;
  });
}

/** With origins for hosts, which are origins to no browser. */
function repair(source) {
  return source.replace(/'(example\.com|sample\.com|other\.io|foo\.com)'/g, "'https://$1'");
}

/** Runs one of their tests with what it uses of node's `t`. */
async function runOne(run) {
  let made = 0;
  let planned;
  const counted = (name) => (...args) => {
    made += 1;
    return assert[name](...args);
  };
  const names = ['ok', 'equal', 'strictEqual', 'notStrictEqual', 'deepStrictEqual', 'notDeepEqual', 'ifError', 'rejects', 'doesNotThrow'];
  const t = { plan: (count) => { planned = count; }, assert: Object.fromEntries(names.map((name) => [name, counted(name)])) };
  await run(t);
  if (planned !== undefined) assert.equal(made, planned, 'the assertions that were planned');
}

const FUNCTION = 'a function decides for each request; in a policy all origins are listed, and policies are chosen by path or by a function';
const NO_LENGTH = 'a 204 has no Content-Length (RFC 9110, 8.6)';
const REFLECTED = 'any request header is allowed by a list that is the same for everyone, rather than by what each request asks for; so nothing varies';
const NOT_PREFLIGHT = 'an OPTIONS request without Origin or Access-Control-Request-Method is no preflight, and reaches the application';
const CONTINUES = 'a policy answers preflights itself';
const HOOK = 'corsac decides in onRequest, the first hook, whatever the option hook was: migrate tells that it is lost';
const NO_ROUTE = 'no OPTIONS route is added for all paths, so that there is none to show, to hide or to keep out of the log';
const TOO_EARLY = 'the route is added before the plugin is loaded: await app.register, as corsac says in the error of such a route';
const WHOLE_LIST = 'the list of methods begins with GET,HEAD,POST, which browsers allow in any case, and has no spaces';
const SAME_VARY = 'Vary is merged in onSend, where the response has it, and "* , foo" means "*"; behaviours.mjs has the rows';

/** Why a test does not pass. `apart` is for one whose failure comes when it is over. */
export const refusals = {
  'cors.test.js': {
    'Should add cors headers (custom values)': `${WHOLE_LIST}; ${NO_LENGTH}; no header beside those of CORS is set (cacheControl)`,
    'Should support dynamic config (callback)': FUNCTION,
    'Should support dynamic config (Promise)': FUNCTION,
    'Should support dynamic config. (Invalid function)': FUNCTION,
    'Dynamic origin resolution (valid origin)': FUNCTION,
    'Dynamic origin resolution (not valid origin)': FUNCTION,
    'Dynamic origin resolution (errored)': FUNCTION,
    'Dynamic origin resolution (invalid result)': FUNCTION,
    'Dynamic origin resolution (valid origin - promises)': FUNCTION,
    'Dynamic origin resolution (not valid origin - promises)': FUNCTION,
    'Dynamic origin resolution (errored - promises)': FUNCTION,
    'Should support wildcard arrays from dynamic origin resolvers': FUNCTION,
    'Server error if origin option is falsy but not false': 'an empty origin is told by migrate (no-origin) rather than by failing every request',
    'Allow only request from a specific origin': 'an origin that is not allowed is not told which one is',
    'Allow only request from a specific origin using regex': 'there are no regular expressions in a policy, and this one is not held at its beginning',
    'Should always add vary header to `Origin` for reflected origin': NOT_PREFLIGHT,
    'Should always add vary header to `Origin` for reflected origin (vary is array)': SAME_VARY,
    'Should collapse vary header to * when pre-existing vary contains * with whitespace before comma': SAME_VARY,
    'Should allow routes to disable CORS individually': TOO_EARLY,
    'Should not run origin function or add vary header when route disables CORS (callback origin)': FUNCTION,
    'Should not run origin function or add vary header when route disables CORS (promise origin)': FUNCTION,
    'Should support route-level config': TOO_EARLY,
  },
  'hooks.test.js': {
    'Should error on invalid hook option': HOOK,
    'Should set hook preParsing if hook option is set to preParsing': HOOK,
    'Should set hook preParsing if hook option is set to preParsing (2)': HOOK,
    'Should set hook preValidation if hook option is set to preValidation': HOOK,
    'Should set hook preHandler if hook option is set to preHandler': HOOK,
    'Should set hook preSerialization if hook option is set to preSerialization': HOOK,
    'Should error on onSend hook option': HOOK,
    'Should error on onSend hook option with delegator': HOOK,
    'Should support custom hook with dynamic config': FUNCTION,
    'Should support custom hook with dynamic config (callback)': { reason: FUNCTION, apart: true },
    'Should support custom hook with dynamic config (Promise)': FUNCTION,
    'Should support custom hook with dynamic config (Promise), but should error /1': FUNCTION,
    'Should support custom hook with dynamic config (Promise), but should error /2': FUNCTION,
  },
  'preflight.test.js': {
    'Should reply to preflight requests': `${NO_LENGTH}; ${REFLECTED}`,
    'Should add access-control-allow-headers to response if preflight req has access-control-request-headers': REFLECTED,
    'Should reply to preflight requests with custom status code': REFLECTED,
    'Should be able to override preflight response with a route': CONTINUES,
    'Should reply to all options requests': `${NO_LENGTH}; ${REFLECTED}`,
    'Should support a prefix for preflight requests': 'below a prefix preflights are answered for the routes that are there, so that none is granted for a route of somebody else',
    'hide options route by default': NO_ROUTE,
    'show options route': NO_ROUTE,
    'Allow only request from with specific methods': WHOLE_LIST,
    'Should reply with 400 error to OPTIONS requests missing origin header when default strictPreflight': NOT_PREFLIGHT,
    'Should reply with 400 to OPTIONS requests when missing Access-Control-Request-Method header when default strictPreflight': NOT_PREFLIGHT,
    'Should reply to all preflight requests when strictPreflight is disabled': NOT_PREFLIGHT,
    'Default empty 200 response with preflightContinue on OPTIONS routes': CONTINUES,
    'Can override preflight response with preflightContinue': CONTINUES,
    'Should support ongoing prefix ': 'below a prefix preflights are answered for the routes that are there, so that none is granted for a route of somebody else',
    'Silences preflight logs when logLevel is "silent"': NO_ROUTE,
    'delegator + logLevel:"silent" → OPTIONS logs are suppressed': FUNCTION,
    'delegator + hideOptionsRoute:false → OPTIONS route is visible': FUNCTION,
  },
  // Tests of a function inside that package, which no option reaches.
  'vary.test.js': null,
};
