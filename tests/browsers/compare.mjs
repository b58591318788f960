// The comparison: what script saw, what the server logged and what the vector says, and every way in which they differ.
import { COOKIE } from './pages.mjs';

/** The kinds of disagreement, each with what it means. */
export const KINDS = {
  answer: 'a call ended in neither a response nor a refusal',
  readable: 'script could read what it must not, or could not read what it may',
  status: 'script read another status',
  exposed: 'script saw other headers than those exposed',
  preflight: 'other preflights arrived than expected',
  request: 'other requests arrived than expected, such as one whose preflight was refused',
  facts: 'the browser sent another request than the vector holds',
  decision: 'the server logged another decision than the vector holds',
  verdict: 'the browser did not follow what the server said it decided',
  cookie: 'a cookie came without credentials, or did not come with them',
};

/** All disagreements of one exchange: `[{ kind, expected, seen }]`, empty if everybody agrees. */
export function compare({ page, init, expected }, view, lines) {
  const found = [];
  const check = (kind, wanted, seen) => {
    const [a, b] = [show(wanted), show(seen)];
    if (a !== b) found.push({ kind, expected: a, seen: b });
  };

  if (!view || view.error) {
    check('answer', 'an answer', view?.error ?? 'nothing');
    return found;
  }
  check('readable', expected.readable, view.readable);
  if (expected.readable && view.readable) check('status', expected.status, view.status);
  // An unreadable response shows no header; one that script read in spite of the policy shows too many.
  // `null`: a framework's own error page has what headers it likes.
  if (expected.exposed) check('exposed', expected.exposed, view.exposed ?? []);

  const isPreflight = (line) => line.kind === 'preflight';
  const preflights = lines.filter(isPreflight);
  const requests = lines.filter((line) => !isPreflight(line));
  check('preflight', expected.exchanges.filter(isPreflight).length, preflights.length);
  check('request', expected.exchanges.filter((line) => !isPreflight(line)).length, requests.length);

  for (const wanted of expected.exchanges) {
    const line = (isPreflight(wanted) ? preflights : requests)[0];
    if (!line) continue;
    check('facts', facts(wanted), facts(line));
    check('decision', decision(wanted), decision(line));
  }

  const granted = lines.length > 0 && lines.every((line) => line.allowed === true);
  check('verdict', `readable: ${granted && expected.admitted}`, `readable: ${view.readable}`);

  for (const line of preflights) check('cookie', null, line.cookie);
  // A page of an opaque origin is cross-site even to its own host: whether a cookie comes says nothing here.
  if (page !== 'null') for (const line of requests) check('cookie', init.credentials === 'include' ? COOKIE : null, line.cookie);
  return found;
}

function decision({ kind, action, allowed, reason }) {
  return { kind, action, allowed, reason };
}

function facts({ kind, method, origin, request_method: requestMethod, request_headers: requestHeaders }) {
  if (kind !== 'preflight') return { method, origin };
  return { method, origin, requestMethod, requestHeaders: names(requestHeaders) };
}

/** The set of names in a list of them: order and repetition are the browser's own affair. */
function names(list) {
  if (list === null || list === undefined) return null;
  return [...new Set(list.split(',').map((name) => name.trim().toLowerCase()).filter(Boolean))].sort().join(',');
}

function show(value) {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null).replaceAll('"', '');
}
