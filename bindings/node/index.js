'use strict';
// The public face of the module; each name is documented in index.d.ts.

const { Policy } = require('./lib/policy.js');
const { PolicyCell, PolicyFile } = require('./lib/cell.js');
const { PolicyError } = require('./lib/problems.js');
const { Decision } = require('./lib/decision.js');
const { browser, explain } = require('./lib/explain.js');
const { express } = require('./lib/express.js');
const { fastify } = require('./lib/fastify.js');
const { fetch, hono } = require('./lib/fetch.js');
const { koa } = require('./lib/koa.js');
const { migrate } = require('./lib/migrate.js');
const { S3Error } = require('./lib/s3.js');
const { upgrade } = require('./lib/upgrade.js');
const native = require('./lib/native.js');

exports.Policy = Policy;
exports.PolicyCell = PolicyCell;
exports.PolicyFile = PolicyFile;
exports.PolicyError = PolicyError;
exports.Decision = Decision;
exports.S3Error = S3Error;
exports.express = express;
exports.fastify = fastify;
exports.koa = koa;
exports.fetch = fetch;
exports.hono = hono;
exports.upgrade = upgrade;
exports.migrate = migrate;
exports.browser = browser;
exports.explain = explain;
exports.version = native.version();
exports.publicSuffixList = native.publicSuffixList();
