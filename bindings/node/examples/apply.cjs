'use strict';
// Applies a decision to a response of node:http.

/** Applies header edits to a response whose headers were not sent yet. */
function apply(edits, res) {
  for (const [op, name, value] of edits) {
    if (op === 'set') res.setHeader(name, value);
    else if (op === 'add') res.appendHeader(name, value);
    else if (op === 'vary') mergeVary(value, res);
    else if (op === 'remove') res.removeHeader(name);
  }
}

/** Adds a name to Vary, unless it is there, or `*`. */
function mergeVary(name, res) {
  const names = [res.getHeader('Vary') ?? []].flat().join(',').split(',').map((part) => part.trim()).filter(Boolean);
  if (names.some((known) => known === '*' || known.toLowerCase() === name.toLowerCase())) return;
  res.setHeader('Vary', [...names, name].join(', '));
}

module.exports = { apply };
