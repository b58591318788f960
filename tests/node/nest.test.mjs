// NestJS 11, on Express and on Fastify: the recipe of the README, and what applications do.

import 'reflect-metadata';
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { All, Controller, Get, HttpException, Module, Put, Req, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, RouteConfig } from '@nestjs/platform-fastify';

import corsac from '../../bindings/node/index.js';
import { respondAsNode } from './applications.mjs';
import { ORIGIN, OTHER, behaviours, corsOf, varyOf } from './behaviours.mjs';
import { send } from './client.mjs';
import { respondAsFastify } from './fastify-application.mjs';

const { Policy } = corsac;

/** A controller: methods by name, each with its decorators; `@Req` and `@Res` for the first two parameters. */
function makeController(methods) {
  class Routes {}
  Controller()(Routes);
  for (const [name, { decorators, handler }] of Object.entries(methods)) {
    Routes.prototype[name] = handler;
    if (handler.length > 0) {
      Req()(Routes.prototype, name, 0);
      Res()(Routes.prototype, name, 1);
    }
    for (const decorate of decorators) decorate(Routes.prototype, name, Object.getOwnPropertyDescriptor(Routes.prototype, name));
  }
  return Routes;
}

/** An application of Nest with these methods; `prepare` is what the README says. */
async function listen(adapter, methods, prepare) {
  class App {}
  Module({ controllers: [makeController(methods)] })(App);
  const app = await NestFactory.create(App, adapter, { logger: false });
  await prepare(app);
  await app.listen(0, '127.0.0.1');
  return { port: app.getHttpServer().address().port, close: () => app.close() };
}

function raise({ before = [], headers = [] }, set) {
  for (const [name, value] of [...before, ...headers]) set(name, value);
  throw new Error('raised by the application');
}

const makePolicy = (options) => new Policy(options);

behaviours('nest on express', {
  can: ['before', 'append', 'clear', 'writeHead', 'raise', 'missing', 'stream', 'hints'],
  start({ application, policy, times, options }) {
    const handler = (req, res) => (application.raise ? raise(application, (name, value) => res.setHeader(name, value)) : respondAsNode(application, req, res));
    const path = application.missing ? 'elsewhere' : 'path';
    return listen(new ExpressAdapter(), { all: { decorators: [All(path)], handler } }, (app) => {
      // With a header of its own that is set, node's writeHead takes arrays only with each name once.
      app.getHttpAdapter().getInstance().disable('x-powered-by');
      for (let time = 0; time < times; time += 1) app.use(corsac.express(policy, options));
    });
  },
}, makePolicy);

behaviours('nest on fastify', {
  can: ['append', 'clear', 'writeHead', 'raise', 'missing', 'stream', 'hints'],
  start({ application, policy, times, options }) {
    const handler = (request, reply) => respondAsFastify(application, reply);
    const path = application.missing ? 'elsewhere' : 'path';
    return listen(new FastifyAdapter(), { all: { decorators: [All(path)], handler } }, async (app) => {
      for (let time = 0; time < times; time += 1) await app.register(corsac.fastify, { policy, ...options });
    });
  },
}, makePolicy);

describe('nest', () => {
  const policy = new Policy({ allowOrigins: [ORIGIN], allowMethods: ['PUT'] });
  const other = new Policy({ allowOrigins: [OTHER], allowMethods: ['PUT'] });
  const granted = { 'access-control-allow-origin': [ORIGIN] };
  const ways = {
    express: [() => new ExpressAdapter(), (app) => app.use(corsac.express(policy))],
    fastify: [() => new FastifyAdapter(), (app) => app.register(corsac.fastify, { policy })],
  };

  for (const [name, [makeAdapter, prepare]] of Object.entries(ways)) {
    test(`on ${name}: exceptions, guards and what is not found are covered, preflights answered before the application`, async () => {
      const methods = {
        ok: { decorators: [Get('ok')], handler: () => ({ ok: true }) },
        put: { decorators: [Put('items/:id')], handler: () => ({ ok: true }) },
        teapot: { decorators: [Get('teapot')], handler: () => { throw new HttpException('short and stout', 418); } },
        error: { decorators: [Get('error')], handler: () => { throw new Error('x'); } },
      };
      const server = await listen(makeAdapter(), methods, async (app) => {
        await prepare(app);
        app.setGlobalPrefix('api');
        app.useGlobalGuards({ canActivate: (context) => context.switchToHttp().getRequest().method !== 'PUT' });
      });
      try {
        for (const [method, path, status] of [['GET', '/api/ok', 200], ['PUT', '/api/items/5', 403], ['GET', '/api/teapot', 418], ['GET', '/api/error', 500], ['GET', '/missing', 404]]) {
          const response = await send(server.port, method, path, [`Origin: ${ORIGIN}`, 'Content-Length: 0']);
          assert.deepEqual([response.status, corsOf(response.headers), varyOf(response.headers)], [status, granted, ['origin']], path);
          const refused = await send(server.port, method, path, [`Origin: ${OTHER}`, 'Content-Length: 0']);
          assert.deepEqual([refused.status, corsOf(refused.headers)], [status, {}], path);
        }
        const preflight = await send(server.port, 'OPTIONS', '/api/items/5', [`Origin: ${ORIGIN}`, 'Access-Control-Request-Method: PUT']);
        assert.deepEqual([preflight.status, preflight.headers['access-control-allow-methods']], [204, ['GET,HEAD,POST,PUT']]);
      } finally {
        await server.close();
      }
    });
  }

  test('on fastify: a route has a policy of its own by @RouteConfig', async () => {
    const methods = {
      own: { decorators: [Put('own'), RouteConfig({ corsac: other })], handler: () => ({ ok: true }) },
      off: { decorators: [Put('off'), RouteConfig({ corsac: null })], handler: () => ({ ok: true }) },
    };
    const server = await listen(new FastifyAdapter(), methods, (app) => app.register(corsac.fastify, { policy }));
    try {
      const ask = async (method, path, origin) => {
        const lines = [`Origin: ${origin}`, 'Content-Length: 0', ...(method === 'OPTIONS' ? ['Access-Control-Request-Method: PUT'] : [])];
        const { status, headers } = await send(server.port, method, path, lines);
        return [status, headers['access-control-allow-origin']?.[0]];
      };
      assert.deepEqual(await ask('OPTIONS', '/own', OTHER), [204, OTHER]);
      assert.deepEqual(await ask('PUT', '/own', OTHER), [200, OTHER]);
      assert.deepEqual(await ask('OPTIONS', '/own', ORIGIN), [403, undefined]);
      assert.deepEqual(await ask('OPTIONS', '/off', ORIGIN), [404, undefined]);
      assert.deepEqual(await ask('PUT', '/off', ORIGIN), [200, undefined]);
      assert.deepEqual(await ask('OPTIONS', '/elsewhere', ORIGIN), [204, ORIGIN]);
    } finally {
      await server.close();
    }
  });
});
