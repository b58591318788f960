'use strict';
// A server of Fastify with a CORS policy: node fastify.cjs --policy FILE [--port N]

const http = require('node:http');
const { Readable } = require('node:stream');
const Fastify = require('fastify');
const corsac = require('corsac');
const { announce, headers, policy, port } = require('./protocol.cjs');

async function main() {
  const app = Fastify();
  // Before any route is added.
  await app.register(corsac.fastify, { policy });

  // PURGE and others, of which Fastify routes few by itself.
  for (const method of http.METHODS) {
    if (!app.supportedMethods.includes(method)) app.addHttpMethod(method);
  }

  app.all('/*', async (request, reply) => reply.headers(headers).send({ ok: true, server: 'fastify' }));
  app.all('/status/:status', async (request, reply) => {
    reply.headers(headers);
    const status = Number(request.params.status);
    if (status === 500) throw new Error('an exception of the application');
    if (status === 404) return reply.callNotFound();
    return reply.code(status).send(status === 204 || status === 304 ? null : { ok: true, server: 'fastify' });
  });
  app.all('/redirect', async (request, reply) => reply.headers(headers).redirect('/landed'));
  app.all('/stream', async (request, reply) => reply.headers(headers).type('application/json').send(Readable.from(['{"ok":true,', '"server":', '"fastify"}'])));

  await app.listen({ host: '127.0.0.1', port });
  announce(app.server, () => app.close());
}

main();
