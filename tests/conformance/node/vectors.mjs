// Reads the vectors; tests/vectors/README.md describes their format.

import { readFileSync, readdirSync } from 'node:fs';

const folder = new URL('../../vectors/', import.meta.url);

/** All files, each with its cases: `policy`, `document` or `text` resolved, strings and lines spelled out. */
export function loadVectors() {
  const files = [...readdirSync(folder).filter((file) => file.endsWith('.json')).sort(), 's3/buckets.json'];
  return files.map((file) => {
    const { policies = {}, cases } = JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
    return { file, cases: cases.map((vector) => readCase(vector, policies)) };
  });
}

function readCase(vector, policies) {
  // An answer about a bucket, which needs no policy.
  if (vector.error !== undefined) return vector;
  const given = ['policy', 'document', 'text'].filter((key) => Object.hasOwn(vector, key));
  if (given.length !== 1) throw new Error(`${vector.name}: exactly one of text, document and policy`);
  const { policy, text, request } = vector;
  if (typeof policy === 'string' && policies[policy] === undefined) throw new Error(`there is no policy ${policy}`);
  return {
    ...vector,
    text: text === undefined ? undefined : generate(text),
    document: given[0] === 'document' ? vector.document : typeof policy === 'string' ? policies[policy] : policy,
    request: request && { method: request.method, headers: request.headers.flatMap(generateLines) },
    decision: vector.decision && {
      ...vector.decision,
      headers: vector.decision.headers.map(([op, name, value]) => [op, name, generate(value)]),
    },
  };
}

/** A string, a string that is repeated, or several of them one after the other. */
function generate(value) {
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? value.map(generate).join('') : value.repeat.repeat(value.times);
}

/** One entry of a list of headers: a line, or the same line several times. */
function generateLines(entry) {
  const { lines, times } = Array.isArray(entry) ? { lines: entry, times: 1 } : entry;
  return Array(times).fill([lines[0], generate(lines[1])]);
}
