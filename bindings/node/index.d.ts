/**
 * One CORS policy, compiled once, answered identically everywhere.
 *
 * ```js
 * const { Policy } = require('corsac');
 *
 * const policy = new Policy({
 *   allowOrigins: ['https://app.example.com'],
 *   allowMethods: ['PUT'],
 *   allowHeaders: ['content-type'],
 * });
 *
 * const decision = policy.evaluate(req.method, req.rawHeaders);
 * // decision.action says who responds, decision.headers how the response's headers change
 * ```
 */

/**
 * What `new Policy` takes. A key that is `undefined` is absent; `null` is a problem of the configuration.
 *
 * The lists are an array, or `"*"`.
 */
export interface PolicyOptions {
  /**
   * Who may read responses: `"*"` for everyone, or origins (`https://app.example.com`) and patterns
   * (`https://*.example.com`, `http://localhost:*`). Required.
   */
  allowOrigins: '*' | readonly string[];
  /** Methods beyond GET, HEAD and POST, which are always allowed. Case-sensitive. */
  allowMethods?: '*' | readonly string[] | undefined;
  /** Request headers beyond the safelisted ones; `"*"` covers `authorization` too. */
  allowHeaders?: '*' | readonly string[] | undefined;
  /** Response headers that scripts may read beyond the safelisted ones. */
  exposeHeaders?: '*' | readonly string[] | undefined;
  /** Whether cookies, TLS client certificates and HTTP authentication may be sent. Default: `false`. */
  allowCredentials?: boolean | undefined;
  /**
   * How long a browser may keep the answer to a preflight: whole seconds from 0 to 86400. Without it
   * browsers keep it for 5 seconds; 0 turns their cache off. Chromium keeps it for 7200 seconds at most.
   */
  maxAge?: number | undefined;
}

/** A policy document as an object: the same with snake_case keys, as in the JSON of every language. */
export interface PolicyDocument {
  /** See {@link PolicyOptions.allowOrigins}. */
  allow_origins: '*' | readonly string[];
  /** See {@link PolicyOptions.allowMethods}. */
  allow_methods?: '*' | readonly string[] | undefined;
  /** See {@link PolicyOptions.allowHeaders}. */
  allow_headers?: '*' | readonly string[] | undefined;
  /** See {@link PolicyOptions.exposeHeaders}. */
  expose_headers?: '*' | readonly string[] | undefined;
  /** See {@link PolicyOptions.allowCredentials}. */
  allow_credentials?: boolean | undefined;
  /** See {@link PolicyOptions.maxAge}. */
  max_age?: number | undefined;
}

/** A Fetch `Headers`, by the part of it that is used. */
export interface HeadersLike extends Iterable<[string, string]> {
  get(name: string): string | null;
}

/**
 * The headers of a request, in any of the forms in which hosts keep them; names in any case of letters.
 *
 * - flat, as `req.rawHeaders`: `[name, value, name, value, ...]`. The form to prefer: each line of a
 *   repeated header is seen.
 * - pairs: `[[name, value], ...]`
 * - an object, as `req.headers`: a string is one line, an array one line per element. Of a repeated
 *   header Node keeps the first line there (Host), or joins them by `, ` (Origin, which is malformed
 *   so too): `req.rawHeaders` and `req.headersDistinct` have them all.
 * - a Fetch `Headers`, which joins repeated lines by `, ` too
 */
export type RequestHeaders =
  | readonly string[]
  | readonly (readonly [name: string, value: string])[]
  | { readonly [name: string]: string | readonly string[] | undefined }
  | HeadersLike;

/**
 * One edit of the response's headers.
 *
 * - `set`: replace all lines of this name by one with the value
 * - `add`: add a line
 * - `vary`: merge the value, a header name, into `Vary`, unless it is there or `Vary` has `*`
 * - `remove`: remove all lines of this name; the value is empty
 */
export type HeaderEdit = readonly [op: 'set' | 'add' | 'vary' | 'remove', name: string, value: string];

/** Why a request was allowed or refused. New reasons may appear: treat one you don't know as refused. */
export type Reason =
  | 'allowed'
  | 'not-cors'
  | 'same-origin'
  | 'malformed-origin'
  | 'null-origin-not-allowed'
  | 'origin-not-allowed'
  | 'malformed-request-method'
  | 'method-not-allowed'
  | 'request-headers-too-large'
  | 'malformed-request-headers'
  | 'header-not-allowed'
  | (string & {});

/** The answer to one request. Frozen, with everything in it; equal requests may get the same object. */
export class Decision {
  private constructor();
  /** Which request it was: without `Origin`, one that reaches the application, or a browser's question. */
  readonly kind: 'not-cors' | 'actual' | 'preflight';
  /** `forward`: the application responds. `respond`: respond at once, with `status` and no body. */
  readonly action: 'forward' | 'respond';
  /** The status to respond with; 0 with `forward`. */
  readonly status: number;
  /** Whether the request is allowed. True for requests that are not CORS. */
  readonly allowed: boolean;
  /** Why. */
  readonly reason: Reason;
  /** The index of the rule that decided; `null` if no rule matched. */
  readonly rule: number | null;
  /** The name of the rule that decided, if it has one. */
  readonly ruleName: string | null;
  /**
   * How the response's headers change, in this order. Apply them once to every final response,
   * errors, redirects, HEAD and 304 included, and never to 1xx.
   */
  readonly headers: readonly HeaderEdit[];
}

/** One thing that is wrong with a configuration, or worth a look. Frozen. */
export interface Problem {
  /** The stable kebab-case name of this kind of problem, such as `origin-with-trailing-slash`. */
  readonly code: string;
  /** Where it is, such as `allowOrigins[3]`; empty for the configuration as a whole. */
  readonly path: string;
  /** The offending value: a string as it is, anything else as JSON text. */
  readonly value: string | null;
  /** One sentence: what is wrong and what to write instead. */
  readonly message: string;
  /** What to write instead: a string as it is, anything else as JSON text. */
  readonly suggestion: string | null;
  /** The line, from 1; `null` if the configuration was no text. */
  readonly line: number | null;
  /** The column, from 1, in Unicode scalar values; `null` if the configuration was no text. */
  readonly column: number | null;
}

/** A configuration that is no policy. The message has a line for each problem. */
export class PolicyError extends Error {
  private constructor();
  readonly name: 'PolicyError';
  /** Every problem, in the order of the configuration; at most 1,000. Frozen. */
  readonly problems: readonly Problem[];
  /** How many further problems were counted but are not listed. */
  readonly unreported: number;
}

/**
 * A compiled policy: immutable and frozen. Building checks everything; afterwards nothing can fail
 * but a wrong type of an argument.
 *
 * Building takes time linear in the configuration and blocks the event loop: for a million origins
 * about a second. A decision takes time linear in the headers, whatever the number of origins.
 */
export class Policy {
  /**
   * Compiles options with camelCase keys, or a document with its snake_case keys, never a mixture:
   * a key of the other kind is a key that does not exist.
   *
   * @throws {PolicyError} with every problem, named as the options name things
   * @throws {TypeError} if `options` is no plain object, or holds what JSON does not know: a
   *   function, a symbol, a bigint, NaN, a Map, `undefined` in an array
   */
  constructor(options: PolicyOptions | PolicyDocument);

  /**
   * Reads a policy document: JSON text, or its UTF-8 bytes, at most 256 MiB.
   *
   * @throws {PolicyError} with every problem, each with line and column
   * @throws {TypeError} if `text` is neither
   */
  static fromJSON(text: string | Uint8Array): Policy;

  /**
   * Reads a policy document from a file, now and at once.
   *
   * @throws {PolicyError} with every problem, each with line and column
   * @throws {Error} if the file cannot be read; the message names it
   * @throws {TypeError} if `path` is neither a string nor a URL
   */
  static fromFile(path: string | URL): Policy;

  /**
   * Decides one request.
   *
   * @param method as it came, such as `req.method`
   * @param headers every header of the request, see {@link RequestHeaders}
   * @throws {TypeError} if an argument has another type. Nothing else is thrown for any request.
   */
  evaluate(method: string, headers: RequestHeaders): Decision;

  /**
   * Whether `origin` may read responses, for WebSocket handshakes and CSRF checks.
   *
   * An origin that is absent (`undefined` or `null`), empty or malformed is refused, even where
   * everybody may read: a handshake carries cookies whatever the policy says.
   *
   * @param credentials whether cookies decide who somebody is; then only if the policy allows
   *   credentials. Default: `true`.
   * @throws {TypeError} if an argument has another type
   */
  allowsOrigin(origin: string | null | undefined, credentials?: boolean): boolean;

  /** The canonical document: JSON text. A policy built from it is equal, and has the same text. */
  document(): string;

  /** What is worth a look but stopped nothing, in the order of the configuration. Frozen. */
  readonly warnings: readonly Problem[];
}

/**
 * A policy that can be replaced: assign to `policy`.
 *
 * ```js
 * const cell = new PolicyCell(Policy.fromFile('policy.json'));
 * process.on('SIGHUP', () => {
 *   try {
 *     cell.policy = Policy.fromFile('policy.json');
 *   } catch (error) {
 *     console.error(error); // and the policy stays as it is
 *   }
 * });
 * ```
 *
 * A cell belongs to one event loop: each worker has its own. Looking at it costs reading a field.
 */
export class PolicyCell {
  /** @throws {TypeError} if `policy` is no `Policy` */
  constructor(policy: Policy);

  /** The policy as it is now: the object that was assigned last. A `TypeError` for anything but a `Policy`. */
  policy: Policy;

  /** How many policies the cell has had: 1 at first, and one more with each assignment. */
  readonly generation: number;

  /** Decides one request by the policy as it is now, see {@link Policy.evaluate}. */
  evaluate(method: string, headers: RequestHeaders): Decision;

  /** Whether `origin` may read responses by the policy as it is now, see {@link Policy.allowsOrigin}. */
  allowsOrigin(origin: string | null | undefined, credentials?: boolean): boolean;
}

/** The version of the library. */
export const version: string;
