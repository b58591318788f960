// A deliberately wrong server: it lets every origin read everything, with credentials, and logs that it refused; the suite must notice.
import { createServer } from 'node:http';

const joined = (request, name) => request.headersDistinct[name]?.join(', ') ?? null;

const server = createServer((request, response) => {
  const origin = joined(request, 'origin');
  const requestMethod = joined(request, 'access-control-request-method');
  const requestHeaders = joined(request, 'access-control-request-headers');
  const kind = origin === null ? 'not-cors' : request.method === 'OPTIONS' && requestMethod !== null ? 'preflight' : 'actual';
  const action = kind === 'preflight' ? 'respond' : 'forward';

  console.log(JSON.stringify({
    method: request.method, target: request.url, kind, action, allowed: false, reason: 'origin-not-allowed', origin,
    request_method: requestMethod, request_headers: requestHeaders, cookie: joined(request, 'cookie'),
  }));
  if (origin !== null) response.setHeader('Access-Control-Allow-Origin', origin);
  response.setHeader('Access-Control-Allow-Credentials', 'true');
  if (kind === 'preflight') {
    response.setHeader('Access-Control-Allow-Methods', requestMethod);
    if (requestHeaders !== null) response.setHeader('Access-Control-Allow-Headers', requestHeaders);
    response.writeHead(204).end();
    return;
  }
  const redirect = request.url.startsWith('/redirect');
  response.writeHead(redirect ? 302 : Number(/^\/status\/(\d{3})/.exec(request.url)?.[1] ?? 200), {
    ...redirect && { Location: '/landed' },
    'Access-Control-Expose-Headers': 'ETag, X-Total-Count, X-Secret', 'Content-Type': 'application/json', ETag: '"v1"',
    'X-Total-Count': '42', 'X-Secret': 'hidden', 'Cache-Control': 'no-store',
  });
  response.end('{"ok":true,"server":"wrong"}');
});

server.listen(0, '127.0.0.1', () => console.log(`listening http://127.0.0.1:${server.address().port}`));
process.once('SIGTERM', () => process.exit(0));
