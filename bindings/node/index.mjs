// The same module for `import`: one instance, however it is loaded.

import corsac from './index.js';

export const { Policy, PolicyCell, PolicyFile, PolicyError, Decision, S3Error } = corsac;
export const { express, fastify, fetch, hono, koa, upgrade, migrate, browser, explain, version, publicSuffixList } = corsac;
