// The case list: every vector with a `script` becomes one fetch() and what must be seen of it in the browser and at the server.
import { readFileSync } from 'node:fs';

/** The port that the vectors' page origins name; the page server's real port takes its place. */
const VECTOR_PORT = /:8601(?!\d)/g;

/** Headers of the example servers' application that script sees only if the policy exposes them. */
export const OBSERVED_HEADERS = ['etag', 'x-total-count', 'x-secret'];

const SCRIPT_KEYS = new Set(['page', 'path', 'method', 'headers', 'body', 'credentials', 'readable', 'status', 'exposed', 'preflight', 'skip']);

/** Reads the vectors of `file` for pages on `port`: `{ policies: Map(key -> document), cases: [...] }`. */
export function readCases(file, port) {
  const { policies: named = {}, cases: vectors } = JSON.parse(readFileSync(file, 'utf8').replace(VECTOR_PORT, `:${port}`));
  const policies = new Map();
  const cases = [];
  const names = new Set();
  for (const vector of vectors.filter((v) => v.script)) {
    if (names.has(vector.name)) throw new Error(`${file}: two cases are named ${vector.name}`);
    names.add(vector.name);
    const inline = typeof vector.policy !== 'string';
    const document = inline ? vector.policy : named[vector.policy];
    if (!document) throw new Error(`${file}: ${vector.name}: no policy named ${vector.policy}`);
    const policy = inline ? JSON.stringify(vector.policy) : vector.policy;
    policies.set(policy, document);
    try {
      cases.push({ name: vector.name, policy, skip: { ...vector.skip, ...vector.script.skip }, ...exchange(vector, document, port) });
    } catch (error) {
      throw new Error(`${file}: ${vector.name}: ${error.message}`);
    }
  }
  if (cases.length === 0) throw new Error(`${file}: no case has a script`);
  return { policies, cases };
}

/** What one vector's script sends, and what must come of it. */
function exchange({ script, request, decision }, document, port) {
  const unknown = Object.keys(script).filter((key) => !SCRIPT_KEYS.has(key));
  if (unknown.length) throw new Error(`unknown key in script: ${unknown}`);
  const { page, path = '/', method = 'GET', headers, body, credentials = 'same-origin', readable, status, exposed = [], preflight } = script;
  if (typeof readable !== 'boolean' || typeof preflight !== 'boolean') throw new Error('script needs readable and preflight');
  if (page !== 'null' && !(page?.startsWith('http://') && page.endsWith(`:${port}`))) throw new Error(`no page can be served on ${page}`);
  if (preflight !== (decision.kind === 'preflight')) throw new Error(`script says preflight: ${preflight}, its decision is of kind ${decision.kind}`);
  const stray = (exposed ?? []).filter((name) => !OBSERVED_HEADERS.includes(name));
  if (stray.length) throw new Error(`the application sends no ${stray}`);

  // A browser with credentials wants ACAC: `true`, which an allowed answer has only if the policy admits credentials.
  const admitted = credentials !== 'include' || document.allow_credentials === true;
  const decided = { ...sent(request), ...logged(decision) };
  const exchanges = [decided];
  if (preflight && decision.allowed && admitted) {
    const { request_method: announced, origin } = decided;
    exchanges.push({ kind: 'actual', action: 'forward', allowed: true, reason: 'allowed', method: announced, origin });
  }
  return {
    page,
    path,
    init: { method, headers, body, credentials },
    expected: { readable, status: status ?? 200, exposed: exposed && [...exposed].sort(), admitted, exchanges },
  };
}

/** The facts of a vector's request that a server logs. */
function sent({ method, headers }) {
  const line = (wanted) => {
    const values = headers.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
    return values.length ? values.join(', ') : null;
  };
  return {
    method,
    origin: line('origin'),
    request_method: line('access-control-request-method'),
    request_headers: line('access-control-request-headers'),
  };
}

function logged({ kind, action, allowed, reason }) {
  return { kind, action, allowed, reason };
}
