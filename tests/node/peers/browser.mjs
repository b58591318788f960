// What a browser makes of a server's answers, after the Fetch standard: which requests of a page succeed, and what
// the page sees of the responses. It knows nothing of policies.

const SAFE_METHODS = ['GET', 'HEAD', 'POST'];
const SAFE_HEADERS = ['accept', 'accept-language', 'content-language'];

/** The elements of a list of names in all lines of a header. */
const listOf = (value) => (value === undefined ? [] : [value].flat().join(',').split(',').map((name) => name.trim()).filter(Boolean));

/** The CORS check. */
function passes({ headers }, { origin, credentials }) {
  const allowed = headers['access-control-allow-origin'];
  if (allowed === '*' && !credentials) return true;
  return allowed === origin && (!credentials || headers['access-control-allow-credentials'] === 'true');
}

/** Whether the preflight, if one is needed, lets a request through. */
async function passesPreflight(ask, request) {
  const { origin, method, headers, credentials } = request;
  const unsafe = headers.filter((name) => !SAFE_HEADERS.includes(name)).sort();
  if (SAFE_METHODS.includes(method) && unsafe.length === 0) return true;
  const answer = await ask('OPTIONS', {
    origin,
    'access-control-request-method': method,
    ...(unsafe.length > 0 ? { 'access-control-request-headers': unsafe.join(',') } : {}),
  });
  if (answer.status < 200 || answer.status > 299 || !passes(answer, request)) return false;
  const methods = listOf(answer.headers['access-control-allow-methods']);
  const names = listOf(answer.headers['access-control-allow-headers']).map((name) => name.toLowerCase());
  const all = (list) => list.includes('*') && !credentials;
  return (
    (SAFE_METHODS.includes(method) || methods.includes(method) || all(methods)) &&
    unsafe.every((name) => names.includes(name) || (all(names) && name !== 'authorization'))
  );
}

/**
 * What a page of `origin` gets of a request: `'refused'` before it was sent, `'unreadable'` behind it, or the
 * names of response headers among `shown` that it sees.
 */
export async function fetchAs(ask, request, shown) {
  const { origin, method, headers, credentials } = request;
  if (!(await passesPreflight(ask, request))) return 'refused';
  const answer = await ask(method, { origin, ...Object.fromEntries(headers.map((name) => [name, 'x'])) });
  if (!passes(answer, request)) return 'unreadable';
  const exposed = listOf(answer.headers['access-control-expose-headers']).map((name) => name.toLowerCase());
  return shown.filter((name) => exposed.includes(name) || (exposed.includes('*') && !credentials)).join() || 'nothing more';
}
