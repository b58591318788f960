// Does what an application of behaviours.mjs says, on a response of node:http, also behind a framework.

/** Runs the application; `after` is set just before the headers are sent. */
export function respondAsNode(application, req, res) {
  const { status = 200, headers = [], body = 'ok', before = [], after, append = [], clear, writeHead, raise, missing, chunks, hints } = application;
  if (missing) {
    res.statusCode = 404;
    res.end('Not found');
    return;
  }
  try {
    for (const [name, value] of before) res.setHeader(name, value);
    if (hints) res.writeEarlyHints({ link: '</style.css>; rel=preload' });
    if (clear) for (const name of res.getHeaderNames()) res.removeHeader(name);
    if (after !== undefined) onHeaders(res, after);
    for (const [name, value] of headers) res.setHeader(name, value);
    for (const [name, value] of append) res.appendHeader(name, value);
    if (raise) throw new Error('raised by the application');
  } catch {
    res.statusCode = 500;
    res.end('Internal Server Error');
    return;
  }
  res.statusCode = status;
  if (writeHead !== undefined) res.writeHead(status, ...writeHead);
  if (chunks === undefined) {
    res.end(body);
    return;
  }
  res.flushHeaders();
  send(chunks, res);
}

async function send(chunks, res) {
  for (const chunk of chunks) await new Promise((done) => res.write(chunk, done));
  res.end();
}

/** Sets headers in the last moment, as the package on-headers does for compression and sessions. */
function onHeaders(res, after) {
  const prior = res.writeHead;
  res.writeHead = function (...head) {
    for (const [name, value] of after) this.setHeader(name, value);
    return Reflect.apply(prior, this, head);
  };
}
