'use strict';
// The plugin for Fastify 5: `app.register(corsac.fastify, { policy })`.
//
// It is for the instance that it is registered on and for all within that, and decides in onRequest by the
// setting that is nearest to the route, so that a plugin of one's own may have a policy of its own. What a
// route says in `config.corsac` comes first.
//
// A preflight is decided by the policy of the route that it asks for. Fastify has no OPTIONS route there, and
// answers 404 without asking any instance but the outermost. So each route that needs it is given one that
// only preflights reach: it is told apart by a constraint, so that an OPTIONS route of the application is never
// in its way, and steps back behind one at the same place.

const { chooser, pathOf } = require('./choice.js');
const { handle } = require('./express.js');
const report = require('./report.js');
const { isOwned } = require('./response.js');

/** The setting of an instance; those within inherit it. */
const SETTING = Symbol('corsac.setting');
/** What is known of a route, in its config. */
const MARK = Symbol('corsac.route');

const CONSTRAINT = 'corsac';
const PREFLIGHT = Symbol('corsac.preflight');

/** A route that corsac is to leave alone. */
const NOBODY = Object.freeze(Object.assign(() => null, { sole: null }));

/** By server: the places that have routes. */
const tables = new WeakMap();

/** A URL pattern, and who decides for each method there. */
class Place {
  /** Method to `{ instance, choose }`; `choose` is undefined where the setting of the instance decides. */
  routes = new Map();
  /** Whether the application has an OPTIONS route there: then that is where preflights go. */
  hasOptions = false;
  /** Whether a route for preflights was added. */
  isAdded = false;
}

/** Tells preflights from other requests while Fastify looks for the route. */
const strategy = {
  name: CONSTRAINT,
  storage() {
    const indexes = new Map();
    return {
      get(value) {
        if (value !== PREFLIGHT) return indexes.get(value);
        let found = 0;
        for (const [place, index] of indexes) {
          if (!place.hasOptions) found |= index;
        }
        return found;
      },
      set: (place, index) => indexes.set(place, index),
    };
  },
  deriveConstraint: (request) => (isPreflight(request) ? PREFLIGHT : undefined),
  validate() {},
};

/** Whether a request could be a preflight; the policy decides whether it is one. */
function isPreflight({ method, headers }) {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined && headers.origin !== undefined;
}

function fastify(instance, options, done) {
  try {
    const { policy, ...rest } = options;
    const { reportOnly } = report.readOptions(rest);
    // What is inherited has added the hooks already.
    const isFirst = instance[SETTING] === undefined;
    instance[SETTING] = Object.freeze({ choose: chooser(policy), reportOnly });
    if (isFirst) {
      instance.addHook('onRoute', onRoute);
      instance.addHook('onRequest', onRequest);
    }
  } catch (error) {
    done(error);
    return;
  }
  done();
}

/** Decides a request; Fastify calls it on the instance of the route. */
function onRequest(request, reply, next) {
  const { raw } = request;
  try {
    const config = configOf(request);
    let instance = this;
    let choose;
    if (config !== undefined) {
      const mark = config[MARK];
      if (mark !== undefined) {
        choose = mark.choose;
        const target = mark.place.routes.get(isPreflight(raw) ? raw.headers['access-control-request-method'] : undefined);
        if (target !== undefined) ({ instance, choose } = target);
      } else if (!request.is404) {
        tooEarly(this, config);
      }
    }
    const setting = instance[SETTING];
    choose ??= setting.choose;
    const policy = choose.sole !== null ? choose.sole.policy : choose(pathOf(request.url), request);
    if (policy !== null && !isOwned(reply.raw) && handle(policy, raw, reply.raw, setting.reportOnly)) {
      // It was sent, past the hooks of the application.
      reply.hijack();
      return;
    }
  } catch (error) {
    next(error);
    return;
  }
  next();
}

const warned = new WeakSet();

/**
 * Tells that a route was added before the plugin was loaded, so that no route for its preflights was: an error
 * where another policy than its own would answer them.
 */
function tooEarly(instance, { url, corsac }) {
  const repair = 'await app.register(corsac.fastify, ...) before routes are added';
  const route = `corsac: the route ${url} was added before corsac.fastify was loaded`;
  if (corsac !== undefined) throw new Error(`${route}, and preflights do not follow its config: ${repair}`);
  if (isOutermost(instance) || warned.has(instance)) return;
  warned.add(instance);
  process.emitWarning(`${route}, and its preflights are not answered: ${repair}`, { code: 'CORSAC_ROUTE_TOO_EARLY' });
}

/** Under which key requests have what `routeOptions`, which is made anew each time, has its config from. */
let contextKey;

/** The config of the route of a request. */
function configOf(request) {
  if (contextKey === undefined) {
    const { config } = request.routeOptions;
    const isContext = (key) => typeof key === 'symbol' && config !== undefined && request[key]?.config === config;
    contextKey = Reflect.ownKeys(request).find(isContext) ?? null;
  }
  return contextKey === null || request[contextKey] === undefined ? request.routeOptions.config : request[contextKey].config;
}

/** Sees each route that is added; Fastify calls it on the instance of the route. */
function onRoute(route) {
  const { config, constraints, routePath, url } = route;
  if (config?.[MARK] !== undefined) return;
  const given = config?.corsac;
  const choose = given === undefined ? undefined : given === null || given === false ? NOBODY : chooser(given);
  const methods = [route.method].flat().map((method) => method.toUpperCase());
  // "/" below a prefix stands for two places, of which this is told of the first only.
  const alias = routePath === '' && route.prefix !== '' && route.prefixTrailingSlash !== 'no-slash' ? `${url}/` : url;
  const place = placeOf(this, url, alias, constraints?.host);
  for (const method of methods) {
    if (method !== 'OPTIONS') place.routes.set(method, { instance: this, choose });
  }
  route.config = { ...config, [MARK]: { place, choose } };
  if (methods.includes('OPTIONS')) {
    place.hasOptions = true;
  } else if (!place.isAdded && !place.hasOptions && (choose !== undefined || !isOutermost(this))) {
    place.isAdded = true;
    if (!this.hasConstraintStrategy(CONSTRAINT)) this.addConstraintStrategy(strategy);
    this.route({
      method: 'OPTIONS',
      url: alias === url ? routePath : '/',
      prefixTrailingSlash: route.prefixTrailingSlash,
      // Of what a constraint looks at, a preflight has nothing but the host.
      constraints: { ...(constraints?.host === undefined ? {} : { host: constraints.host }), [CONSTRAINT]: place },
      config: { [MARK]: { place, choose: undefined } },
      schema: { hide: true },
      logLevel: route.logLevel,
      // Where no policy answers, the response is the one that there would be without this route.
      handler: (request, reply) => reply.callNotFound(),
    });
  }
}

/** The place of a URL pattern, which may have another one. */
function placeOf({ server }, url, alias, host) {
  let table = tables.get(server);
  if (table === undefined) tables.set(server, (table = new Map()));
  const keys = [url, alias].map((each) => JSON.stringify([each, host === undefined ? null : String(host)]));
  const place = table.get(keys[0]) ?? table.get(keys[1]) ?? new Place();
  for (const key of keys) table.set(key, place);
  return place;
}

/** Whether an instance is the one that `Fastify()` made: its hooks run for requests that no route is for, too. */
function isOutermost(instance) {
  return Object.getPrototypeOf(instance) === Object.prototype;
}

// For the instance it is registered on, rather than for one of its own.
fastify[Symbol.for('skip-override')] = true;
fastify[Symbol.for('fastify.display-name')] = 'corsac';
fastify[Symbol.for('plugin-meta')] = { name: 'corsac', fastify: '5.x' };

module.exports = { fastify };
