'use strict';
// The public face of the module; each name is documented in index.d.ts.

const { Policy } = require('./lib/policy.js');
const { PolicyCell } = require('./lib/cell.js');
const { PolicyError } = require('./lib/problems.js');
const { Decision } = require('./lib/decision.js');
const native = require('./lib/native.js');

exports.Policy = Policy;
exports.PolicyCell = PolicyCell;
exports.PolicyError = PolicyError;
exports.Decision = Decision;
exports.version = native.version();
