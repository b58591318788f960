'use strict';
// The plugin for Fastify 5: `app.register(corsac.fastify, { policy })`.
//
// It is for the instance that it is registered on and for all within that, and decides in onRequest by the
// setting that is nearest to the route, so that a plugin of one's own may have a policy of its own. What a
// route says in `config.corsac` comes first.
//
// A preflight is decided by the policy of the route that it asks for. Fastify has no OPTIONS route there, and
// answers 404 without asking any instance but the outermost. So where not all routes have the same policy, each is
// given one that only preflights reach: it is told apart by a constraint, so that an OPTIONS route of the application
// is never in its way, and steps back behind one at the same place. By the constraint it is there only for those
// that ask for a method of the place, so that Fastify finds the place where it would find the route itself.

const { agreed, chooser, pathOf } = require('./choice.js');
const { handle } = require('./express.js');
const report = require('./report.js');
const { isOwned } = require('./response.js');

/** The setting of an instance; those within inherit it. */
const SETTING = Symbol('corsac.setting');
/** What is known of a route, in its config. */
const MARK = Symbol('corsac.route');

const CONSTRAINT = 'corsac';
const REQUESTED = 'access-control-request-method';

/** A route that corsac is to leave alone. */
const NOBODY = Object.freeze(Object.assign(() => null, { sole: null }));

/** By server: what is known of its routes. */
const tables = new WeakMap();

class Table {
  /** By URL pattern and host. */
  places = new Map();
  /** Whether preflights need routes: as long as the outermost instance decides for all routes, it does so without. */
  needsRoutes = false;
}

/** A URL pattern, and who decides for each method there. */
class Place {
  /** Method to `[{ instance, choose }]`, several if routes differ in constraints; `choose` is undefined where the setting of the instance decides. */
  #routes = new Map();
  /** Whether the application has an OPTIONS route there: then that is where preflights go. */
  hasOptions = false;
  /** Adds the route for preflights, unless it is added or not to be; null until there is a route that they ask for. */
  addRoute = null;
  isAdded = false;

  add(method, route) {
    this.#routes.set(method, [...(this.#routes.get(method) ?? []), route]);
  }

  /** The routes that a request with this method could reach. Fastify adds those for HEAD itself. */
  routesOf(method) {
    return this.#routes.get(method) ?? (method === 'HEAD' ? this.#routes.get('GET') : undefined);
  }
}

/** Tells preflights, by the method that they ask for, from other requests while Fastify looks for the route. */
const strategy = {
  name: CONSTRAINT,
  storage() {
    const indexes = new Map();
    return {
      get(value) {
        if (typeof value !== 'string') return indexes.get(value);
        let found = 0;
        for (const [place, index] of indexes) {
          if (!place.hasOptions && place.routesOf(value) !== undefined) found |= index;
        }
        return found;
      },
      set: (place, index) => indexes.set(place, index),
    };
  },
  deriveConstraint: (request) => (isPreflight(request) ? request.headers[REQUESTED] : undefined),
  validate() {},
};

/** Whether a request could be a preflight; the policy decides whether it is one. */
function isPreflight({ method, headers }) {
  return method === 'OPTIONS' && headers[REQUESTED] !== undefined && headers.origin !== undefined;
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
    const mark = config?.[MARK];
    if (config !== undefined && mark === undefined && !request.is404) tooEarly(this, config);
    const setting = this[SETTING];
    const targets = mark !== undefined && isPreflight(raw) ? mark.place.routesOf(raw.headers[REQUESTED]) : undefined;
    const policy = targets === undefined ? policyOf(mark?.choose ?? setting.choose, request) : policyOfAll(targets, request);
    const reportOnly = targets === undefined ? setting.reportOnly : targets.every(({ instance }) => instance[SETTING].reportOnly);
    if (policy !== null && !isOwned(reply.raw) && handle(policy, raw, reply.raw, reportOnly)) {
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

function policyOf(choose, request) {
  return choose.sole !== null ? choose.sole.policy : choose(pathOf(request.url), request);
}

/** The policy of a preflight that asks for one of these routes. */
function policyOfAll(routes, request) {
  return agreed(routes.map(({ instance, choose }) => policyOf(choose ?? instance[SETTING].choose, request)));
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
  const table = tableOf(this);
  const place = placeOf(table, url, alias, constraints?.host);
  for (const method of methods) {
    if (method !== 'OPTIONS') place.add(method, { instance: this, choose });
  }
  route.config = { ...config, [MARK]: { place, choose } };
  if (methods.includes('OPTIONS')) {
    place.hasOptions = true;
    return;
  }
  place.addRoute ??= () => {
    if (place.isAdded || place.hasOptions) return;
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
  };
  if (table.needsRoutes) {
    place.addRoute();
  } else if (choose !== undefined || !isOutermost(this)) {
    table.needsRoutes = true;
    // Those that were there before need it too.
    for (const each of table.places.values()) each.addRoute?.();
  }
}

function tableOf({ server }) {
  let table = tables.get(server);
  if (table === undefined) tables.set(server, (table = new Table()));
  return table;
}

/** The place of a URL pattern, which may have another one. */
function placeOf({ places }, url, alias, host) {
  const keys = [url, alias].map((each) => JSON.stringify([each, host === undefined ? null : String(host)]));
  const place = places.get(keys[0]) ?? places.get(keys[1]) ?? new Place();
  for (const key of keys) places.set(key, place);
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
