// Does what an application of behaviours.mjs says, as a handler of Fastify.

import { Readable } from 'node:stream';

export async function respondAsFastify(application, reply) {
  const { status = 200, headers = [], body = 'ok', append = [], clear, writeHead, raise, chunks, hints } = application;
  if (hints) reply.raw.writeEarlyHints({ link: '</style.css>; rel=preload' });
  if (clear) for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name);
  if (writeHead !== undefined) {
    reply.hijack();
    for (const [name, value] of headers) reply.raw.setHeader(name, value);
    reply.raw.writeHead(status, ...writeHead);
    reply.raw.end(body);
    return reply;
  }
  for (const [name, value] of headers) reply.header(name, value);
  for (const [name, value] of append) reply.header(name, [reply.getHeader(name), value].flat());
  if (raise) throw new Error('raised by the application');
  return reply.code(status).send(chunks === undefined ? body : Readable.from(chunks));
}
