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

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Duplex } from 'node:stream';

import type { AdapterOptions, PolicyChoice } from './types-adapters.js';

/** A guard that `dangerouslyAllow` lifts. */
export type Danger = 'insecure-origins' | 'public-suffixes' | 'null-origin';

/** The code of a warning, which `acknowledge` may name. */
export type WarningCode =
  | 'made-canonical'
  | 'duplicate'
  | 'origin-with-trailing-dot'
  | 'insecure-origin'
  | 'any-host'
  | 'public-suffix'
  | 'any-origin-of-scheme-with-credentials'
  | 'safelisted-method'
  | 'safelisted-response-header'
  | 'lower-case-patch'
  | 'origin-covered'
  | 'origin-decided-by-earlier-rule'
  | 'unreachable-rule'
  | 'json-will-not-get-through'
  | 'forbids-nobody';

/** What a policy must do, checked when it is built; credentials and own origins do not count. */
export interface Expectations {
  /** Origins that a rule must match. */
  allow?: readonly string[] | undefined;
  /** Origins, or what is none, that no rule may match. */
  refuse?: readonly string[] | undefined;
}

/** What a rule allows the origins that it is for. */
export interface RuleOptions {
  /**
   * Who may read responses: `"*"` for everyone, or origins (`https://app.example.com`) and patterns
   * (`https://*.example.com`, `https://pr-*.example.com`, `http://localhost:*`). Required in a rule.
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
  /**
   * Who may see the timing of responses: `true` for those who may read them, `"*"` for everyone.
   * Default: `false`.
   */
  timingAllowOrigin?: boolean | '*' | undefined;
  /** Guards that are lifted, each a risk that was taken on purpose. */
  dangerouslyAllow?: readonly Danger[] | undefined;
  /** A name for people; the `ruleName` of decisions. At most 256 bytes. */
  name?: string | undefined;
  /** For people. */
  description?: string | undefined;
}

/** What holds for the whole policy. */
export interface DocumentOptions {
  /** The status of an answered preflight. Default: 204. */
  preflightStatus?: 200 | 204 | undefined;
  /**
   * What becomes of a refused request that is no preflight: `forward` lets the application respond,
   * without CORS headers; `forbid` answers it 403. Default: `forward`.
   */
  refusedRequests?: 'forward' | 'forbid' | undefined;
  /** The server's own origins, where the request's Host does not tell. */
  ownOrigins?: readonly string[] | undefined;
  /**
   * What becomes of CORS headers that the application sets: `keep` leaves them where the policy grants
   * nothing. Default: `remove`.
   */
  foreignHeaders?: 'remove' | 'keep' | undefined;
  /** A policy that tests itself: origins that a rule must match, and that none may. Checked when it is built. */
  expect?: Expectations | undefined;
  /** Warnings that are known and not reported again. */
  acknowledge?: readonly WarningCode[] | undefined;
  /** For editors. */
  $schema?: string | undefined;
}

/** A policy of one rule. */
export interface OneRuleOptions extends RuleOptions, DocumentOptions {
  rules?: undefined;
}

/** A policy of several rules: the first one that matches the origin decides alone. */
export interface RuleListOptions extends DocumentOptions {
  /** At least one, at most 100. */
  rules: readonly RuleOptions[];
  /** A name for people; decisions have the names of rules. */
  name?: string | undefined;
  /** For people. */
  description?: string | undefined;
  allowOrigins?: undefined;
  allowMethods?: undefined;
  allowHeaders?: undefined;
  exposeHeaders?: undefined;
  allowCredentials?: undefined;
  maxAge?: undefined;
  timingAllowOrigin?: undefined;
  dangerouslyAllow?: undefined;
}

/**
 * What `new Policy` takes. A key that is `undefined` is absent, in rules too; `null` is a problem of the
 * configuration. Most lists are an array, or `"*"`.
 */
export type PolicyOptions = OneRuleOptions | RuleListOptions;

/** A rule in a document. */
export interface RuleDocument {
  /** See {@link RuleOptions.allowOrigins}. */
  allow_origins: '*' | readonly string[];
  /** See {@link RuleOptions.allowMethods}. */
  allow_methods?: '*' | readonly string[] | undefined;
  /** See {@link RuleOptions.allowHeaders}. */
  allow_headers?: '*' | readonly string[] | undefined;
  /** See {@link RuleOptions.exposeHeaders}. */
  expose_headers?: '*' | readonly string[] | undefined;
  /** See {@link RuleOptions.allowCredentials}. */
  allow_credentials?: boolean | undefined;
  /** See {@link RuleOptions.maxAge}. */
  max_age?: number | undefined;
  /** See {@link RuleOptions.timingAllowOrigin}. */
  timing_allow_origin?: boolean | '*' | undefined;
  /** See {@link RuleOptions.dangerouslyAllow}. */
  dangerously_allow?: readonly Danger[] | undefined;
  name?: string | undefined;
  description?: string | undefined;
}

/** What holds for the whole document. */
export interface TopLevelDocument {
  /** See {@link DocumentOptions.preflightStatus}. */
  preflight_status?: 200 | 204 | undefined;
  /** See {@link DocumentOptions.refusedRequests}. */
  refused_requests?: 'forward' | 'forbid' | undefined;
  /** See {@link DocumentOptions.ownOrigins}. */
  own_origins?: readonly string[] | undefined;
  /** See {@link DocumentOptions.foreignHeaders}. */
  foreign_headers?: 'remove' | 'keep' | undefined;
  expect?: Expectations | undefined;
  acknowledge?: readonly WarningCode[] | undefined;
  $schema?: string | undefined;
}

/** A document that is the one rule itself. */
export interface OneRuleDocument extends RuleDocument, TopLevelDocument {
  rules?: undefined;
}

/** A document with several rules. */
export interface RuleListDocument extends TopLevelDocument {
  /** At least one, at most 100. */
  rules: readonly RuleDocument[];
  /** A name for people; decisions have the names of rules. */
  name?: string | undefined;
  /** For people. */
  description?: string | undefined;
  allow_origins?: undefined;
  allow_methods?: undefined;
  allow_headers?: undefined;
  expose_headers?: undefined;
  allow_credentials?: undefined;
  max_age?: undefined;
  timing_allow_origin?: undefined;
  dangerously_allow?: undefined;
}

/** A policy document as an object: the same with snake_case keys, as in the JSON of every language. */
export type PolicyDocument = OneRuleDocument | RuleListDocument;

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
 *
 * Six headers are looked at: Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Host,
 * `:authority` and Sec-Fetch-Site. Their values are strings, in an object arrays of strings or `undefined`
 * too, or else a `TypeError` is thrown. The value of any other header is not even looked at.
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
  | 's3-no-rule-matches'
  | 's3-origin-missing'
  | 's3-invalid-request-method'
  | 's3-invalid-request-headers'
  | (string & {});

/** The answer to one request. Frozen, with everything in it; equal requests may get the same object. */
export class Decision {
  private constructor();
  /** Which request it was: without `Origin`, one that reaches the application, or a browser's question. */
  readonly kind: 'not-cors' | 'actual' | 'preflight';
  /** `forward`: the application responds. `respond`: respond at once, with `status` and no body. */
  readonly action: 'forward' | 'respond';
  /** The status to respond with; 0 with `forward`. */
  readonly status: 0 | 200 | 204 | 400 | 403;
  /** Whether the request is allowed. True for requests that are not CORS. */
  readonly allowed: boolean;
  /** Why. */
  readonly reason: Reason;
  /** The index of the rule that decided; `null` if no rule matched. */
  readonly rule: number | null;
  /** The name of the rule that decided; `null` if it has none or no rule matched. */
  readonly ruleName: string | null;
  /**
   * How the response's headers change, in this order. Apply them once to every final response,
   * errors, redirects, HEAD and 304 included, and never to 1xx.
   */
  readonly headers: readonly HeaderEdit[];
  /**
   * The request's `Origin` as the line has it, without the quotes: escaped, and cut behind 128 bytes; `several`
   * for more than one; `null` for none. For metrics, and for logs of one's own. Made when it is asked for.
   */
  readonly escapedOrigin: string | null;
  /**
   * One line for a log, escaped and capped whatever a stranger sent, such as
   * `preflight refused origin-not-allowed rule=- origin="https://evil.test" method="PUT" headers=""`.
   * Made when it is asked for.
   */
  toString(): string;
}

/** One thing that is wrong with a configuration, or worth a look. Frozen. */
export interface Problem {
  /** The stable kebab-case name of this kind of problem, such as `origin-with-trailing-slash`. */
  readonly code: string;
  /** Where it is, such as `rules[0].allowOrigins[3]`; empty for the configuration as a whole. */
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
  /** The S3 error code that refuses the configuration of a bucket, such as `MalformedXML`; null for any other. */
  readonly s3Code: string | null;
  /** That error, with its message and body; null for any other configuration. */
  readonly s3Error: S3Error | null;
}

/** Whose S3 it is: `'zenko'` if not said. */
export interface S3Dialect {
  readonly dialect?: 'zenko' | 'aws' | undefined;
}

/**
 * An error as S3 answers it, for servers that answer as S3 does. Frozen.
 *
 * `Policy.s3Error` and `PolicyError.s3Error` have those that follow from the rules of a bucket; the static methods
 * make those that don't: the bucket is missing, or has no configuration.
 */
export class S3Error {
  /** Any other error, such as `new S3Error('NoSuchKey', 404, 'The specified key does not exist.')`. */
  constructor(code: string, status: number, message: string, options?: S3Dialect);

  /** The S3 error code, such as `AccessForbidden`. */
  readonly code: string;
  /** The status of the response. */
  readonly status: number;
  /** The message, as S3 words it. */
  readonly message: string;
  readonly dialect: 'zenko' | 'aws';

  /**
   * The answer to a preflight for a bucket that does not exist. What is wrong with the preflight itself comes first.
   * `headers` are those of the request, as in `Policy.evaluate`.
   */
  static bucketMissing(headers: RequestHeaders, options?: S3Dialect): S3Error;
  /** The answer to a preflight for a bucket without configuration. What is wrong with the preflight itself comes first. */
  static corsNotEnabled(headers: RequestHeaders, options?: S3Dialect): S3Error;
  /** The answer to a request for the configuration of a bucket that has none. */
  static noConfiguration(options?: S3Dialect): S3Error;
  /** The answer to a configuration that came with a wrong digest, or without one. */
  static badDigest(options?: S3Dialect): S3Error;

  /**
   * The body of the response: XML (`application/xml`). AWS tells whether the request was about a bucket and not an
   * object, and `hostId`.
   */
  body(options?: {
    readonly isBucket?: boolean | undefined;
    readonly requestId?: string | undefined;
    readonly hostId?: string | undefined;
  }): string;
}

/**
 * A compiled policy: immutable and frozen. Building checks everything; afterwards nothing can fail
 * but a wrong type of an argument.
 *
 * A subclass may have fields of its own, so its objects are not frozen. Its `fromJSON` and `fromFile`
 * call its constructor with one opaque argument, to be handed to `super` as it is.
 *
 * Building takes time linear in the configuration and blocks the event loop: for a million origins
 * about a second. A decision takes time linear in the headers, whatever the number of origins.
 */
export class Policy {
  /**
   * Compiles options with camelCase keys, or a document with its snake_case keys, never a mixture, in
   * rules neither: a key of the other kind is a key that does not exist.
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
  static fromJSON<P extends Policy = Policy>(this: (new (...options: never[]) => P) | void, text: string | Uint8Array): P;

  /**
   * Reads a policy document from a file, now and at once. Of a file that is too large, or has no end, no
   * more is read than tells so.
   *
   * @throws {PolicyError} with every problem, each with line and column; the message names the file
   * @throws {Error} if the file cannot be read; the message names it
   * @throws {TypeError} if `path` is neither a string nor the URL of a file
   */
  static fromFile<P extends Policy = Policy>(this: (new (...options: never[]) => P) | void, path: string | URL): P;

  /**
   * Reads the CORS configuration of an S3 bucket: a `CORSConfiguration` in XML, or one of the JSON forms of AWS,
   * as a string or in UTF-8. Such a policy answers every OPTIONS, as S3 does.
   *
   * `dialect` says whose S3 it is, `'zenko'` if not said. `strict` asks for S3 to the byte; without it the Vary
   * that S3 forgets is sent, and the grammar of Origin is checked first.
   *
   * @throws {PolicyError} with the first problem in the order of S3, and its `s3Code`
   * @throws {TypeError} if `text` or an option has another type
   */
  static fromS3<P extends Policy = Policy>(
    this: (new (...options: never[]) => P) | void,
    text: string | Uint8Array,
    options?: S3Dialect & { readonly strict?: boolean | undefined },
  ): P;

  /**
   * The policy that a thread of this process shares, by the handle that its `share` gave. The policy is not
   * copied; this thread has a `Policy` of its own for it.
   *
   * @throws {Error} if there is none: it was released, or comes from another process or another copy of the package
   * @throws {TypeError} if `handle` is no such handle
   */
  static from(handle: PolicyHandle): Policy;

  /** Ends that a policy is shared by this handle: nobody gets it any more, those that have it keep it. */
  static release(handle: PolicyHandle): boolean;

  /**
   * Shares the policy with the worker threads of this process: send the handle to them, and they call
   * `Policy.from`. The process holds the policy until `Policy.release`, even when this thread has ended.
   */
  share(): PolicyHandle;

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

  /**
   * The CORS headers of the decision on a request as S3 spells and orders them: pairs of name and value, none where S3
   * sends none. For servers that answer as S3 does to the byte; others use `evaluate`, whose arguments these are.
   */
  s3Headers(method: string, headers: RequestHeaders): [name: string, value: string][];

  /** The error in which S3 refuses a preflight, to be sent with the headers of the decision; null where it refuses nothing. */
  s3Error(method: string, headers: RequestHeaders): S3Error | null;

  /** The configuration of a policy of `fromS3` as XML; null for any other policy. */
  s3Xml(): string | null;

  /**
   * The canonical document: JSON text. A policy built from it is equal, and has the same text. Of a policy of `fromS3`
   * the configuration in the JSON of the AWS command line, which `fromS3` reads.
   */
  document(): string;

  /** What is worth a look but stopped nothing, in the order of the configuration; at most 1,000. Frozen. */
  readonly warnings: readonly Problem[];
  /** How many further warnings were counted but are not listed. */
  readonly warningsUnreported: number;
}

/** What `policy.share()` gives: plain data that can be cloned. Its id is what lets a thread at the policy. */
export interface PolicyHandle {
  readonly corsac: 'policy';
  readonly id: string;
}

/** What `cell.share()` gives: plain data that can be cloned within the process. */
export interface CellHandle {
  readonly corsac: 'cell';
  readonly id: string;
  /** How many policies the cell has had, in memory of all threads. */
  readonly generation: SharedArrayBuffer;
}

/**
 * A policy that can be replaced: assign to `policy`. {@link PolicyFile} is one that knows its file.
 *
 * A cell belongs to one event loop, where looking at it costs reading a field, until it is shared: then all
 * threads that have it see the same policy, and looking at it costs reading a number that they share.
 */
export class PolicyCell {
  /** @throws {TypeError} if `policy` is no `Policy` */
  constructor(policy: Policy);

  /**
   * The cell that a thread of this process shares, by the handle that its `share` gave.
   *
   * @throws {Error} if there is none: it was released, or comes from another process or another copy of the package
   * @throws {TypeError} if `handle` is no such handle
   */
  static from(handle: CellHandle): PolicyCell;

  /** Ends that a cell is shared by this handle: nobody gets it any more, those that have it go on sharing it. */
  static release(handle: CellHandle): boolean;

  /**
   * Shares the cell with the worker threads of this process, which call `PolicyCell.from` with the handle:
   * whichever assigns a policy, all decide by it from then on. The process holds the cell until
   * `PolicyCell.release`, even when this thread has ended.
   */
  share(): CellHandle;

  /**
   * The policy as it is now: the object that was assigned last, or, where another thread has assigned it, an
   * object of this thread for it. A `TypeError` for anything but a `Policy`.
   */
  policy: Policy;

  /** How many policies the cell has had, by all threads: 1 at first, and one more with each assignment. */
  readonly generation: number;

  /** Decides one request by the policy as it is now, see {@link Policy.evaluate}. */
  evaluate(method: string, headers: RequestHeaders): Decision;

  /** Whether `origin` may read responses by the policy as it is now, see {@link Policy.allowsOrigin}. */
  allowsOrigin(origin: string | null | undefined, credentials?: boolean): boolean;
}

/**
 * A cell with the policy of a file.
 *
 * ```js
 * const policy = new PolicyFile('policy.json');
 * process.on('SIGHUP', () => {
 *   try {
 *     policy.reload();
 *   } catch (error) {
 *     console.error(error.message); // and the policy stays as it is
 *   }
 * });
 * ```
 */
export class PolicyFile extends PolicyCell {
  /**
   * @throws {PolicyError} with every problem of the document; the message names the file
   * @throws {Error} if the file cannot be read; the message names it
   * @throws {TypeError} if `path` is neither a string nor the URL of a file
   */
  constructor(path: string | URL);

  /** The path, as it was given. */
  readonly path: string | URL;

  /**
   * Reads the file again, and returns the policy that decides from now on. What it throws is what the
   * constructor throws; the policy then stays the one that it was.
   */
  reload(): Policy;
}

/** What a message on the channel `corsac:refused` of `node:diagnostics_channel` tells of a refused request. */
export interface RefusedMessage {
  readonly reason: Reason;
  /** The index of the rule that decided; `null` if no rule matched. */
  readonly rule: number | null;
  /** The name of the rule that decided; `null` if it has none or no rule matched. */
  readonly ruleName: string | null;
  /** The request's `Origin`, escaped and cut; `null` if there was none. */
  readonly origin: string | null;
  /** The line for a log, see {@link Decision.toString}; of a handshake, one that begins with `upgrade refused`. */
  readonly line: string;
}

/**
 * The middleware for Express 4 and 5 and for Connect: the first one, so that everything behind it is covered,
 * error handlers and `404` too. For a part of an application, mount it there: `app.use('/api', corsac.express(policy))`.
 *
 * ```js
 * app.use(corsac.express(policy));
 * ```
 *
 * It is also all that node:http needs, and the compatible interface of node:http2:
 *
 * ```js
 * const cors = corsac.express(policy);
 * http.createServer((req, res) => cors(req, res, () => application(req, res)));
 * ```
 *
 * It answers preflights, and what the policy forbids, and calls `next` for everything else. The headers of the
 * policy are put into a response in the moment in which its headers are sent, whatever was set until then and
 * however it is sent, and they are not among `res.getHeaders()`. No response that was sent already, no 1xx, and
 * no object of the application is changed. Of several middlewares that see a request, the first one decides.
 *
 * Prefixes are compared with the whole path (`req.originalUrl`), wherever the middleware is mounted. Where a policy is
 * stricter than that of the rest, prefer them to `app.use('/admin', ...)`: a mount does not see what `express.static`
 * serves for `/%61dmin`.
 *
 * `next` gets an error only if a function that chooses the policy throws, or returns what is none.
 *
 * @throws {TypeError} if `policy` is none of these, or there is no such option
 */
export function express<Request extends IncomingMessage | Http2ServerRequest = IncomingMessage>(
  policy: PolicyChoice<Request>,
  options?: AdapterOptions,
): (req: Request, res: ServerResponse | Http2ServerResponse, next: (error?: unknown) => void) => void;

/** Options of {@link upgrade}. */
export interface UpgradeOptions extends AdapterOptions {
  /** Whether cookies decide who somebody is; see {@link Policy.allowsOrigin}. Default: `true`. */
  credentials?: boolean | undefined;
  /** Whether requests without `Origin`, which come from no browser, are let through. Default: `false`. */
  allowWithoutOrigin?: boolean | undefined;
}

/**
 * Guards WebSocket handshakes, which browsers send to strangers too, with cookies and without a preflight: true
 * if the handshake may go on; otherwise it is answered with 403 and the socket is not to be touched.
 *
 * ```js
 * const mayUpgrade = corsac.upgrade(policy);
 * server.on('upgrade', (req, socket, head) => {
 *   if (mayUpgrade(req, socket)) webSocketServer.handleUpgrade(req, socket, head, connected);
 * });
 * ```
 *
 * The pages of the server itself are strangers too, unless they are in `ownOrigins` or allowed by a rule.
 *
 * @throws {TypeError} if `policy` is none of these, or there is no such option
 */
export function upgrade(
  policy: PolicyChoice<IncomingMessage>,
  options?: UpgradeOptions,
): (req: IncomingMessage, socket: Duplex) => boolean;

/** Whose behaviour is modelled: the Fetch standard's, or that of a browser where it differs. */
export type Profile = 'standard' | 'chromium' | 'firefox';

/** A response: status and header lines, whose values have one character for each byte. */
export interface ObservedResponse {
  status: number;
  headers?: readonly (readonly [name: string, value: string])[] | undefined;
}

/** What comes back: a response, or none at all. */
export type ObservedAnswer = ObservedResponse | 'connection-dropped';

/** What a script asks for; its keys are the ones of `core/docs/explain.md`, in snake_case as there. */
export interface ScriptRequest {
  url: string;
  /** Default: `GET`. */
  method?: string | undefined;
  headers?: readonly (readonly [name: string, value: string])[] | undefined;
  /** Default: `same-origin`. */
  credentials?: 'omit' | 'same-origin' | 'include' | undefined;
  [key: string]: unknown;
}

/** A page's request and the server's answers. */
export interface Exchange {
  /** The serialized origin of the page, or `null` as a string. */
  page_origin: string;
  request: ScriptRequest;
  /** The answers where nothing is redirected. */
  server?: { preflight?: ObservedAnswer | null | undefined; actual?: ObservedAnswer | null | undefined } | undefined;
  /** The answers hop by hop, in place of `server`. */
  server_hops?:
    | readonly { url: string; preflight?: ObservedAnswer | null | undefined; actual?: ObservedAnswer | null | undefined }[]
    | undefined;
}

/** What came of a request in a browser. */
export interface Outcome {
  outcome: 'allowed' | 'blocked';
  /** Why it is blocked, such as `preflight-method`. */
  failure?: string;
  preflight: 'not-needed' | 'sent' | 'cached';
  preflights: { url: string; request_method: string; request_headers: string | null; origin: string }[];
  requests: { url: string; method: string; origin: string | null }[];
  type?: 'basic' | 'cors' | 'opaque' | 'opaqueredirect';
  status?: number;
  exposed_headers?: string[];
  timing?: boolean;
  /** The lines that the browser's console prints. */
  console: string[];
  js_error?: string;
  /** Everything the browser looked at. */
  steps: { name: string; hop: number; preflight: boolean; passed: boolean; detail: string; standard: string }[];
}

/** A model of the browser's half of the protocol; for explaining and tests, not for servers. */
export const browser: {
  /**
   * Plays one exchange in a browser with an empty preflight cache.
   *
   * @throws {TypeError} if the exchange makes no sense
   */
  simulate(exchange: Exchange, options?: { profile?: Profile | undefined }): Outcome;
  /**
   * Plays exchanges one after another, at milliseconds, in one browser.
   *
   * @throws {TypeError} if one makes no sense
   */
  simulateSequence(
    sequence: { steps: readonly { at?: number | undefined; exchange: Exchange }[] },
    options?: { profile?: Profile | undefined },
  ): Outcome[];
};

/** Something that is wrong, or could be better, with its repair. */
export interface Hint {
  code: string;
  /** Whether it is the cause of a failure. */
  is_cause: boolean;
  cause: string;
  fix: string;
  /** Where in the policy's document. */
  path?: string;
  /** What to write there. */
  suggestion?: string;
}

/** What browsers do with a request, why, and what to change. */
export interface Explanation {
  /** Whether script gets the response in every profile. */
  readable: boolean;
  profiles: (Outcome & { profile: Profile })[];
  decisions?: {
    preflight: boolean; allowed: boolean; reason: string; rule: number | null; rule_name: string | null; line: string;
  }[];
  exchanges: {
    hop: number; preflight: boolean; method: string; url: string; request_headers: [string, string][];
    status: number | null; response_headers: [string, string][];
  }[];
  hints: Hint[];
}

/**
 * Tells what browsers do with a script's request, why, and what to change: against a policy, or against the responses in
 * the question.
 *
 * @throws {TypeError} if the question makes no sense
 */
export function explain(
  question: Exchange & { reads?: readonly string[] | undefined; application?: ObservedResponse | undefined },
  policy?: Policy | null,
): Explanation;

/** The version of the library. */
export const version: string;

/** Which list of public suffixes the library has, such as `psl 2.1.247`. */
export const publicSuffixList: string;

// Fastify, Koa, Hono, Fetch, and the migration from other packages.
export * from './types-adapters.js';
