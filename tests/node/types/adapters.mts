// What the types of the adapters promise to users of the frameworks: an error that does not come is an error.

import Fastify, { type FastifyRequest } from 'fastify';
import Koa from 'koa';
import { Hono, type Context } from 'hono';

import * as corsac from 'corsac';
import { Policy, PolicyCell, type Migration, type MigrationNote, type PolicyChoice } from 'corsac';

declare module 'fastify' {
  interface FastifyContextConfig extends corsac.FastifyRouteConfig {}
}

const policy = new Policy({ allowOrigins: '*' });
const cell = new PolicyCell(policy);

const app = Fastify();
await app.register(corsac.fastify, { policy });
await app.register(corsac.fastify, { policy: cell, reportOnly: true });
await app.register(corsac.fastify, { policy: { '/api': policy, '/': null } });
await app.register(corsac.fastify, { policy: new Map<string, Policy | null>([['/api', policy]]) });
await app.register(corsac.fastify, { policy: (request: FastifyRequest) => (request.url === '/' ? policy : null) });
await app.register(corsac.fastify, { policy: (request) => (request.headers.host === undefined ? cell : null) });
// @ts-expect-error options are no policy
await app.register(corsac.fastify, { policy: { allowOrigins: '*' } });
// @ts-expect-error there has to be a policy
await app.register(corsac.fastify, {});
// @ts-expect-error there is no such option
await app.register(corsac.fastify, { policy, origin: '*' });
app.get('/own', { config: { corsac: policy } }, async () => 'ok');
app.get('/none', { config: { corsac: null } }, async () => 'ok');
// @ts-expect-error true is no policy
app.get('/wrong', { config: { corsac: true } }, async () => 'ok');

const koa = new Koa();
koa.use(corsac.koa(policy));
koa.use(corsac.koa((ctx: Koa.Context) => (ctx.path === '/' ? policy : null), { reportOnly: true }));
koa.use(corsac.koa({ '/api': cell }));
// @ts-expect-error a file is no policy
koa.use(corsac.koa('policy.json'));

const hono = new Hono();
hono.use(corsac.hono(policy));
hono.use('/api/*', corsac.hono((c: Context) => (c.req.path === '/' ? policy : null)));
// @ts-expect-error Hono has its own handler of errors
hono.use(corsac.hono(policy, { onError: () => new Response('') }));

const handle = corsac.fetch(policy, { onError: (error, request) => new Response(`${error} ${request.url}`) });
const response: Promise<Response> = handle(new Request('https://a.example'), async () => new Response('ok'));
const server = { fetch: (request: Request) => handle(request, hono.fetch) };
console.log(response, server);
// @ts-expect-error there is a response to give
handle(new Request('https://a.example'), () => 'ok');

const migration: Migration = corsac.migrate({ origin: /a/, credentials: true }, { from: 'cors' });
corsac.migrate();
corsac.migrate(() => ({}));
const notes: readonly MigrationNote[] = [...migration.lost, ...migration.unsafe];
if (migration.document !== null) {
  migration.document.allow_origins = ['https://a.example'];
  new Policy(migration.document as corsac.PolicyDocument);
}
console.log(notes[0]?.suggestion?.length, migration.from.length);
// @ts-expect-error there is no such package
corsac.migrate({}, { from: 'rack-cors' });

const choice: PolicyChoice<Request> = (request) => (request.method === 'GET' ? policy : null);
// @ts-expect-error prefixes begin with a slash
const wrong: PolicyChoice<Request> = { api: policy };
console.log(choice, wrong);
