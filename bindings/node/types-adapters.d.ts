// The adapters for Fastify, Koa, Hono and Fetch servers, and the migration from other packages. They need no
// types of a framework, so that none has to be installed: what they use of it is described here.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';

import type { Policy, PolicyCell, PolicyDocument } from './index.js';

/** Which policy decides: a policy, or the cell that holds it; `null` for a request that corsac leaves alone. */
export type PolicyOrNone = Policy | PolicyCell | null;

/**
 * Which policy decides a request: one for all, one by path prefix (the longest that covers the path, by whole
 * segments, counts; a path that none covers is left alone), or what a function of the request returns.
 *
 * Prefixes are compared with the path of the request as it came, without the query, and so are written: `/api`,
 * `/caf%C3%A9`. Applications may read a path in other ways: in any case of letters, decoded, without dot segments
 * and empty ones. Where another policy would decide then (`/API`, `//api`, `/%61pi`, `/x/..%2fapi`), nobody is granted
 * anything: the reason is `origin-not-allowed`, whatever the origin, and the request is forbidden if one of the
 * policies forbids what it refuses. A function of the request has to see to that itself.
 */
export type PolicyChoice<Request> =
  | Policy
  | PolicyCell
  | { readonly [prefix: `/${string}`]: PolicyOrNone }
  | ReadonlyMap<string, PolicyOrNone>
  | { choose(request: Request): PolicyOrNone }['choose'];

/** Options of every adapter. */
export interface AdapterOptions {
  /** Decide and tell of refused requests (`corsac:refused`), but touch no response. Default: `false`. */
  reportOnly?: boolean | undefined;
}

// --- Fastify --------------------------------------------------------------------------------------------------

/** A request of Fastify, by the part of it that is used. */
export interface FastifyRequestLike {
  readonly method: string;
  readonly url: string;
  readonly originalUrl: string;
  readonly headers: { readonly [name: string]: string | string[] | undefined };
  readonly raw: IncomingMessage | Http2ServerRequest;
}

/** What `app.register(corsac.fastify, options)` takes. */
export interface FastifyOptions extends AdapterOptions {
  policy: PolicyChoice<FastifyRequestLike>;
}

/**
 * What a route may say in its `config`. To have it checked:
 *
 * ```ts
 * declare module 'fastify' {
 *   interface FastifyContextConfig extends corsac.FastifyRouteConfig {}
 * }
 * ```
 */
export interface FastifyRouteConfig {
  /** The policy of this route, or `null` or `false` for none. Without it, that of the instance decides. */
  corsac?: PolicyChoice<FastifyRequestLike> | null | false | undefined;
}

/**
 * The plugin for Fastify 5. Register it, and wait for it, before routes are added:
 *
 * ```js
 * await app.register(corsac.fastify, { policy });
 * app.put('/items/:id', handler);
 * app.get('/health', { config: { corsac: null } }, handler); // has no policy
 * ```
 *
 * It is for the instance that it is registered on, and those within; an instance within may have one of its
 * own. It answers preflights in `onRequest`, before other hooks, and without OPTIONS routes that could clash
 * with those of the application: on the outermost instance for every path, on others for the paths of their
 * routes. A preflight is decided by the policy of the route that it asks for; one that asks for routes of several
 * versions whose policies differ is refused. The lists of a policy are sent whole and browsers keep them by URL, so give
 * the methods of one URL policies that list no more than that. An OPTIONS route of the application is asked for all
 * methods at its place: give it the policy of the strictest.
 *
 * Responses that Fastify makes before any hook (a URL that cannot be decoded, 503 while closing) are not
 * covered.
 */
export function fastify(instance: any, options: FastifyOptions, done: (error?: Error) => void): void;

// --- Koa ------------------------------------------------------------------------------------------------------

/** A context of Koa, by the part of it that is used. */
export interface KoaContextLike {
  readonly req: IncomingMessage | Http2ServerRequest;
  readonly res: ServerResponse | Http2ServerResponse;
  readonly originalUrl: string;
  readonly path: string;
  respond?: boolean | undefined;
}

/**
 * The middleware for Koa: the first one, so that errors are covered too.
 *
 * ```js
 * app.use(corsac.koa(policy));
 * ```
 *
 * @throws {TypeError} if `policy` is none of these
 */
export function koa(
  policy: PolicyChoice<KoaContextLike>,
  options?: AdapterOptions,
): (ctx: KoaContextLike, next: () => Promise<any>) => any;

// --- Hono and Fetch ---------------------------------------------------------------------------------------------

/** Options of {@link fetch}. */
export interface FetchOptions extends AdapterOptions {
  /**
   * Answers what the application throws, so that the page can read the error. Without it the error is thrown
   * on to the server, whose own response has no CORS headers.
   */
  onError?: ((error: unknown, request: Request) => Response | Promise<Response>) | undefined;
}

/**
 * For servers of `Request` and `Response`: a function that decides a request, asks `next` for the response if
 * the application is to respond, and gives a response like it with the headers of the policy.
 *
 * ```js
 * const handle = corsac.fetch(policy);
 * Deno.serve((request) => handle(request, application));
 * ```
 *
 * A response of the application is not changed, whether it is immutable or not: its body, which is not read,
 * goes into another one. One of status 101, one of `Response.error()` and one whose body is in use are given
 * back as they are.
 *
 * @throws {TypeError} if `policy` is none of these
 */
export function fetch(
  policy: PolicyChoice<Request>,
  options?: FetchOptions,
): (request: Request, next: (request: Request) => Response | Promise<Response>) => Promise<Response>;

/** A context of Hono, by the part of it that is used. */
export interface HonoContextLike {
  readonly req: { readonly raw: Request; readonly path: string };
  get res(): Response;
  set res(response: Response | undefined);
}

/**
 * The middleware for Hono: the first one, so that everything behind it is covered, `app.onError` and
 * `app.notFound` too.
 *
 * ```js
 * app.use(corsac.hono(policy));
 * ```
 *
 * @throws {TypeError} if `policy` is none of these
 */
export function hono(
  policy: PolicyChoice<HonoContextLike>,
  options?: AdapterOptions,
): (c: HonoContextLike, next: () => Promise<void>) => Promise<Response | void>;

// --- Coming from elsewhere ----------------------------------------------------------------------------------------

/** Something about options that were migrated. Frozen. */
export interface MigrationNote {
  /**
   * The kebab-case name of this kind of note: that of a problem of policies, or one of `function`, `regexp`,
   * `literal-wildcard`, `not-canonical`, `no-origin`, `no-effect`, `wrong-type`, `star-with-credentials`,
   * `star-without-authorization`, `preflight-status`, `preflight-continue`, `host-option`, `unknown-option`,
   * `reflects-any-origin`, `reflects-any-origin-with-credentials`, `unanchored-regexp`, `unescaped-dot`,
   * `no-label-boundary`, `stateful-regexp`.
   */
  readonly code: string;
  /** Where it is in the options, such as `origin[1]`; empty for the options as a whole. */
  readonly path: string;
  /** The value: a string as it is, anything else as JSON text or as it is written. */
  readonly value: string | null;
  /** One sentence. */
  readonly message: string;
  /** What to write into the document instead: a string as it is, anything else as JSON text. Never carried over. */
  readonly suggestion: string | null;
}

/** What {@link migrate} gives. */
export interface Migration {
  /** The package whose options they were taken for: absent options have other meanings in each. */
  readonly from: 'cors' | '@fastify/cors';
  /**
   * What could be carried over; yours to complete. `null` where the options turn CORS off: then leave corsac
   * out. Without `allow_origins` where nobody is left: building that fails, so that nothing opens by accident.
   */
  document: (Partial<PolicyDocument> & { [key: string]: unknown }) | null;
  /** What could not be carried over, with reasons. */
  readonly lost: readonly MigrationNote[];
  /** What was unsafe: what no policy allows is in `lost` too. */
  readonly unsafe: readonly MigrationNote[];
}

/**
 * Turns the options of the packages `cors` and `@fastify/cors` into a policy document.
 *
 * ```js
 * const { document, lost, unsafe } = corsac.migrate({ origin: 'https://app.example.com', credentials: true });
 * const policy = new Policy(document);
 * ```
 *
 * No page gets more from the document than it got from the options; the one exception, `"*"` for request
 * headers covering `authorization`, is told in `lost`. There are no functions and no regular expressions in a
 * policy: patterns that mean the same as a regular expression are suggested, never carried over. Functions
 * among the options are not called.
 *
 * @param options what `cors` or `@fastify/cors` was given, a function included
 * @param settings `from` is the package; without it, options that only `@fastify/cors` has tell
 * @throws {TypeError} if an argument has another type
 */
export function migrate(options?: object | Function, settings?: { from?: 'cors' | '@fastify/cors' | undefined }): Migration;
