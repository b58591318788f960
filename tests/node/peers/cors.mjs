// The tests of the package `cors` as cases of our own, since the package does not carry them: its test.js,
// example-app.js, error-response.js, body-events.js, issue-2.js and issue-31.js, by their titles.
//
// A case without `refused` passes: its options migrate with nothing lost, and every page gets of `cors` and of
// corsac the same. Otherwise `refused` says why it does not, and `lost` has the codes that `migrate` tells.
// Where the tests have hosts for origins, here are origins: to no browser a host is one, and `migrate` says so
// (see the cases of hosts at the end).

const DYNAMIC = 'a function decides for each request; in a policy all origins are listed';
const callback = (sent, done) => done(null, sent === 'https://request.com');

export const cases = [
  // test.js
  { title: 'does not alter `options` configuration object', options: Object.freeze({ origin: 'https://custom-origin.example' }) },
  { title: 'passes control to next middleware', options: {} },
  { title: 'shortcircuits preflight requests', options: {} },
  { title: 'can configure preflight success response status code', options: { optionsSuccessStatus: 200 } },
  { title: "doesn't shortcircuit preflight requests with preflightContinue option", options: { preflightContinue: true }, refused: 'a policy answers preflights itself', lost: ['preflight-continue'] },
  { title: 'normalizes method names', options: {}, refused: 'methods are case-sensitive: a request of the method "options" is no preflight, and reaches the application', lost: [] },
  { title: 'includes Content-Length response header', options: {}, refused: 'a 204 has no Content-Length (RFC 9110, 8.6); with 200 it is 0', lost: [] },
  { title: 'no options enables default CORS to all origins', options: {} },
  { title: 'OPTION call with no options enables default CORS to all origins and methods', options: {} },
  { title: 'overrides defaults', options: { origin: 'https://example.com', methods: ['FOO', 'bar'], headers: ['FIZZ', 'buzz'], credentials: true, maxAge: 123 } },
  { title: 'matches request origin against regexp', options: { origin: /^(.+\.)?request.com$/ }, refused: 'there are no regular expressions in a policy', lost: ['regexp'], unsafe: ['unescaped-dot'] },
  { title: 'matches request origin against array of origin checks', options: { origin: [/foo\.com$/, 'https://request.com'] }, refused: 'there are no regular expressions in a policy; the origin beside it is carried over', lost: ['regexp'], unsafe: ['unanchored-regexp'] },
  { title: "doesn't match request origin against array of invalid origin checks", options: { origin: [/foo\.com$/, 'https://bar.com'] }, refused: 'there are no regular expressions in a policy; the origin beside it is carried over', lost: ['regexp'], unsafe: ['unanchored-regexp'] },
  { title: 'origin of false disables cors', options: { origin: false, methods: ['FOO', 'bar'], headers: ['FIZZ', 'buzz'], credentials: true, maxAge: 123 } },
  { title: 'can override origin', options: { origin: 'https://example.com' } },
  { title: 'includes Vary header for specific origins', options: { origin: 'https://example.com' }, vary: true },
  { title: 'appends to an existing Vary header', options: { origin: 'https://example.com' }, vary: true },
  { title: 'origin defaults to *', options: {} },
  { title: 'specifying true for origin reflects requesting origin', options: { origin: true }, unsafe: ['reflects-any-origin'] },
  { title: 'should allow origin when callback returns true', options: { origin: callback }, refused: DYNAMIC, lost: ['function'] },
  { title: 'should not allow origin when callback returns false', options: { origin: callback }, refused: DYNAMIC, lost: ['function'] },
  { title: 'should not override options.origin callback', options: { origin: callback }, refused: DYNAMIC, lost: ['function'] },
  { title: 'can override methods', options: { methods: ['method1', 'method2'] } },
  { title: 'methods defaults to GET, HEAD, PUT, PATCH, POST, DELETE', options: {} },
  { title: 'can specify allowed headers as array', options: { allowedHeaders: ['header1', 'header2'] } },
  { title: 'can specify allowed headers as string', options: { allowedHeaders: 'header1,header2' } },
  { title: 'specifying an empty list or string of allowed headers will result in no response header for allowed headers', options: { allowedHeaders: [] } },
  { title: 'if no allowed headers are specified, defaults to requested allowed headers', options: {} },
  { title: 'can specify exposed headers as array', options: { exposedHeaders: ['custom-header1', 'custom-header2'] } },
  { title: 'can specify exposed headers as string', options: { exposedHeaders: 'custom-header1,custom-header2' } },
  { title: 'specifying an empty list or string of exposed headers will result in no response header for exposed headers', options: { exposedHeaders: [] } },
  { title: 'includes credentials if explicitly enabled', options: { credentials: true }, refused: 'browsers take no "*" for a request with credentials, so that the option did nothing; the policy is carried over without it', lost: ['no-effect'], same: true },
  { title: 'does not includes credentials unless explicitly enabled', options: {} },
  { title: 'includes maxAge when specified', options: { maxAge: 456 }, maxAge: '456' },
  { title: 'includes maxAge when specified and equals to zero', options: { maxAge: 0 }, maxAge: '0' },
  { title: 'does not includes maxAge unless specified', options: {}, maxAge: undefined },
  { title: 'handles options specified via callback', options: (request, done) => done(null, { origin: 'https://delegate.com' }), refused: DYNAMIC, lost: ['function'] },
  { title: 'handles options specified via callback for preflight', options: (request, done) => done(null, { origin: 'https://delegate.com', maxAge: 1000 }), refused: DYNAMIC, lost: ['function'] },
  { title: 'handles error specified via callback', options: (request, done) => done('some error'), refused: DYNAMIC, lost: ['function'] },
  // example-app.js
  { title: 'simple methods: GET works', options: {} },
  { title: 'simple methods: HEAD works', options: {}, method: 'HEAD' },
  { title: 'simple methods: POST works', options: {}, method: 'POST' },
  { title: 'complex methods: OPTIONS works', options: {}, refused: 'an OPTIONS request without Origin and Access-Control-Request-Method is no preflight, and reaches the application', lost: [] },
  { title: 'complex methods: DELETE works', options: {}, method: 'DELETE' },
  // error-response.js
  { title: 'error response: 500', options: {}, status: 500 },
  { title: 'error response: 401', options: {}, status: 401 },
  { title: 'error response: 404', options: {}, status: 404 },
  // body-events.js
  { title: 'app1 (cors before bodyparser): POST works', options: { origin: callback }, refused: DYNAMIC, lost: ['function'] },
  { title: 'app2 (bodyparser before cors): POST works', options: { origin: callback }, refused: DYNAMIC, lost: ['function'] },
  // issue-2.js
  { title: 'issue #2: OPTIONS works', options: { origin: true, methods: ['POST'], credentials: true, maxAge: 3600 }, refused: 'every origin with credentials is what no policy allows', lost: ['reflects-any-origin-with-credentials'], unsafe: ['reflects-any-origin-with-credentials'] },
  { title: 'issue #2: POST works', options: { origin: true, methods: ['POST'], credentials: true, maxAge: 3600 }, refused: 'every origin with credentials is what no policy allows', lost: ['reflects-any-origin-with-credentials'], unsafe: ['reflects-any-origin-with-credentials'] },
  // issue-31.js
  { title: 'issue #31: OPTIONS works', options: {}, refused: 'an OPTIONS request without Access-Control-Request-Method is no preflight, and reaches the application', lost: [] },
  { title: 'issue #31: GET works', options: {} },
  // Hosts where origins belong, as the tests have them: no page could ever read.
  { title: 'a host for an origin', options: { origin: 'example.com' }, refused: 'a host is no origin', lost: ['origin-without-scheme'] },
  { title: 'a host among origins', options: { origin: ['https://a.example', 'request.com'] }, refused: 'a host is no origin; the origin beside it is carried over', lost: ['origin-without-scheme'], same: true },
];
