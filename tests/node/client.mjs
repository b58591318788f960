// Requests over sockets, as they are written, and everything that comes back.

import net from 'node:net';

/**
 * Sends a request to 127.0.0.1 and gives `{ status, message, headers, body, informational }`: headers in
 * lower case, with an array of lines each; `informational` has the 1xx responses that came first.
 */
export async function send(port, method, target, lines = [], body = '') {
  const socket = net.connect(port, '127.0.0.1');
  socket.setTimeout(30_000, () => socket.destroy(new Error(`no response to ${method} ${target}`)));
  const host = lines.some((line) => /^host:/i.test(line)) ? [] : ['Host: localhost'];
  socket.write(Buffer.from([`${method} ${target} HTTP/1.1`, ...host, 'Connection: close', ...lines, '', body].join('\r\n'), 'latin1'));
  let text = Buffer.concat(await socket.toArray()).toString('latin1');
  const informational = [];
  for (;;) {
    const response = read(text);
    if (response.status >= 200) {
      const chunked = response.headers['transfer-encoding']?.join().includes('chunked');
      return { ...response, body: chunked ? unchunk(response.body) : response.body, informational };
    }
    informational.push(response);
    text = response.body;
  }
}

function read(text) {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) throw new Error(`no response: ${JSON.stringify(text)}`);
  const [start, ...fields] = text.slice(0, end).split('\r\n');
  const [, status, message] = /^HTTP\/1\.1 (\d{3}) ?(.*)$/.exec(start);
  const headers = {};
  for (const field of fields) {
    const colon = field.indexOf(':');
    (headers[field.slice(0, colon).toLowerCase()] ??= []).push(field.slice(colon + 1).trim());
  }
  return { status: Number(status), message, headers, body: text.slice(end + 4) };
}

function unchunk(text) {
  let body = '';
  for (;;) {
    const [line] = text.split('\r\n', 1);
    const length = parseInt(line, 16);
    if (!(length > 0)) return body;
    body += text.slice(line.length + 2, line.length + 2 + length);
    text = text.slice(line.length + 2 + length + 2);
  }
}
