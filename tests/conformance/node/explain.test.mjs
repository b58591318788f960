// The model of the browser and explanations: what Node says is what the core says.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Policy, browser, explain } from '../../../bindings/node/index.mjs';

const read = (name) => JSON.parse(readFileSync(new URL(`../../vectors/observed/${name}`, import.meta.url), 'utf8'));
const { exchanges } = read('browsers.json');
const { sequences } = read('preflight-cache.json');
const COLUMNS = { standard: 'standard_expected', chromium: 'chromium', firefox: 'firefox' };
// One is tried again some ten times, which is not modelled.
const EXCEPTIONS = new Set(['pre-drop firefox']);

for (const [profile, column] of Object.entries(COLUMNS)) {
  test(`every observed exchange ends as it was seen to: ${profile}`, () => {
    for (const vector of exchanges.filter(({ id }) => !EXCEPTIONS.has(`${id} ${profile}`))) {
      const exchange = Object.fromEntries(Object.entries(vector).filter(([key]) => !Object.values(COLUMNS).includes(key)));
      const outcome = browser.simulate(exchange, { profile });
      for (const key of ['outcome', 'preflights', 'requests', 'status']) {
        assert.deepEqual(outcome[key], vector[column][key], `${vector.id}: ${key}`);
      }
    }
  });

  test(`every observed sequence uses the preflight cache as it was seen to: ${profile}`, () => {
    for (const { id, steps, [profile]: wanted } of sequences) {
      const seen = browser.simulateSequence({ steps }, { profile })
        .map(({ preflight, outcome }) => `${preflight === 'sent' ? 'P' : '-'}${outcome === 'allowed' ? '' : '!'}`);
      assert.equal(seen.join(' '), wanted, id);
    }
  });
}

const question = { page_origin: 'https://www.example.com', request: { url: 'https://api.example.com/items', method: 'PUT' } };

test('a policy is explained with the place to change', () => {
  const policy = new Policy({ allowOrigins: ['https://example.com'], allowMethods: ['PUT'] });
  const { readable, hints, decisions } = explain(question, policy);
  assert.equal(readable, false);
  assert.deepEqual([hints[0].code, hints[0].path], ['origin-differs-in-www', 'allow_origins[0]']);
  assert.equal(decisions[0].reason, 'origin-not-allowed');
});

test('observed responses are explained', () => {
  const { hints } = explain({ ...question, server: { preflight: { status: 405 } } });
  assert.equal(hints[0].code, 'preflight-without-route');
});

test('what makes no sense is told', () => {
  for (const [call, words] of [
    [() => browser.simulate({ page_origin: 'https://a.example', request: {} }), /url/],
    [() => browser.simulate({ ...question, server: {}, what: 1 }), /what/],
    [() => browser.simulate({ ...question, server: {} }, { profile: 'netscape' }), /standard, chromium, firefox/],
    [() => browser.simulate(null), /exchange is null/],
    [() => explain(question), /policy/],
    [() => explain(question, {}), /not a Policy/],
  ]) assert.throws(call, (error) => error instanceof TypeError && words.test(error.message));
});
