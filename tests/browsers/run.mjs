// The browser suite: starts every server with every policy, drives both browsers through all cases, and reports each disagreement.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BROWSER_NAMES, endBrowsers, findBrowsers, startBrowser } from './browsers.mjs';
import { readCases } from './cases.mjs';
import { compare, KINDS } from './compare.mjs';
import { hostOf, runPage, servePages } from './pages.mjs';
import { driveBucket, startBucket } from './s3.mjs';
import { endServers, startServer } from './servers.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** The server that must be found out, and the kinds of disagreement it must cause in every browser. */
const WRONG = { name: 'wrong', command: `'${process.execPath}' '${here('wrong-server.mjs')}'` };
const WRONG_KINDS = ['readable', 'exposed', 'request', 'decision', 'verdict'];

const USAGE = `node run.mjs --server 'NAME=COMMAND' [--server ...] [--vectors FILE] [--s3 PYTHON]`;
const LOG_TIMEOUT = 2_000;
const WHOLE_TIMEOUT = 180_000;

const count = { passed: 0, failed: 0, skipped: 0 };
const started = performance.now();

function fail(line, times = 1) {
  console.log(`FAILED ${line}`);
  count.failed += times;
}

function total() {
  console.log(`browsers: ${((performance.now() - started) / 1000).toFixed(1)} s`);
  console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
}

function options() {
  const { values } = parseArgs({ options: { server: { type: 'string', multiple: true, default: [] }, vectors: { type: 'string' }, s3: { type: 'string' } } });
  const servers = values.server.map((argument) => {
    const [, name, command] = /^([\w-]+)=(.+)$/.exec(argument) ?? [];
    if (!command || name === WRONG.name) throw new Error(`--server ${argument}: not of the form NAME=COMMAND; usage: ${USAGE}`);
    return { name, command };
  });
  if (servers.length === 0) throw new Error(`no server to test; usage: ${USAGE}`);
  if (new Set(servers.map(({ name }) => name)).size < servers.length) throw new Error('two servers have one name');
  return { servers, vectors: values.vectors ?? here('../vectors/browser.json'), python: values.s3 };
}

/** One process a server and policy: `[{ name, policy, port, lines, stop() } or { name, policy, error }]`. */
async function startServers(servers, policies, folder) {
  const files = new Map([...policies].map(([key, document], index) => {
    const file = join(folder, `policy-${index}.json`);
    writeFileSync(file, JSON.stringify(document, null, 2));
    return [key, file];
  }));
  return Promise.all(servers.flatMap(({ name, command }) => [...files].map(async ([policy, file]) => {
    try {
      return { name, policy, ...await startServer(command, file) };
    } catch (error) {
      return { name, policy, error: error.message };
    }
  })));
}

/** The query that makes a request's URL its own, and its log line recognisable. */
const query = (browser, { name }) => `?browser=${browser}&case=${name}`;

/** Drives one browser through the cases of every server, a Map from `server case` to what script saw, and to a bucket of its own. */
async function drive(browserName, path, folder, port, cases, targets, python) {
  const { browser, version, close } = await startBrowser(browserName, path, folder);
  try {
    const views = new Map();
    await Promise.all([...new Set(cases.map(({ page }) => page))].map(async (page) => {
      const queues = targets.map((target) => cases
        .filter((test) => test.page === page && test.policy === target.policy && !test.skip[target.name])
        .map((test) => ({
          id: `${target.name} ${test.name}`,
          url: `http://${hostOf(page)}:${target.port}${test.path}${query(browserName, test)}`,
          init: test.init,
        })));
      for (const [id, view] of await runPage(browser, page, port, queues.filter((queue) => queue.length))) views.set(id, view);
    }));
    return { version, views, uploads: python ? await upload(browserName, browser, folder, port, python) : [] };
  } finally {
    await close();
  }
}

async function upload(browserName, browser, folder, port, python) {
  const bucket = await startBucket(python, folder, port);
  try {
    return await driveBucket(browserName, browser, port, bucket);
  } finally {
    await bucket.stop();
  }
}

/** Prints what went otherwise with the uploads of a browser. */
function reportUploads(browserName, { version, uploads }) {
  for (const { name, problems } of uploads) {
    if (problems.length) fail(`${browserName} s3 ${name}: ${problems.join('; ')}`);
    else count.passed += 1;
  }
  const failed = uploads.filter(({ problems }) => problems.length).length;
  if (uploads.length) console.log(`${browserName} (${version}), s3 gateway: ${uploads.length - failed} passed, ${failed} failed, 0 skipped`);
}

/** Waits for the last log lines: a server may write its line after its response has arrived. */
async function settle(targets, expected) {
  const deadline = performance.now() + LOG_TIMEOUT;
  while (targets.some((target) => target.lines.length < expected(target)) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Compares everything that one browser and one server were asked, and prints what differs. */
function report(browserName, { name }, { version, views }, cases, targets) {
  const kinds = new Set();
  const before = { ...count };
  for (const test of cases) {
    if (test.skip[name]) {
      console.log(`skipped ${browserName} ${name} ${test.name}: ${test.skip[name]}`);
      count.skipped += 1;
      continue;
    }
    const target = targets.find((candidate) => candidate.name === name && candidate.policy === test.policy);
    if (target.error) {
      count.failed += 1;
      continue;
    }
    const lines = target.lines.filter((line) => line.target?.endsWith(query(browserName, test)));
    const found = compare(test, views.get(`${name} ${test.name}`), lines);
    for (const { kind, expected, seen } of found) {
      kinds.add(kind);
      if (name !== WRONG.name) console.log(`FAILED ${browserName} ${name} ${test.name}: ${kind}: expected ${expected}, seen ${seen} (${KINDS[kind]})`);
    }
    if (name !== WRONG.name) count[found.length ? 'failed' : 'passed'] += 1;
  }
  if (name === WRONG.name) {
    const missing = WRONG_KINDS.filter((kind) => !kinds.has(kind));
    if (missing.length) fail(`${browserName}: the wrong server was not found out: no disagreement of kind ${missing.join(', ')}`);
    else count.passed += 1;
    console.log(`${browserName} (${version}), wrong server: ${missing.length ? 'NOT ' : ''}found out (${[...kinds].join(', ')})`);
    return;
  }
  const [passed, failed, skipped] = ['passed', 'failed', 'skipped'].map((key) => count[key] - before[key]);
  console.log(`${browserName} (${version}), ${name} server: ${passed} passed, ${failed} failed, ${skipped} skipped`);
}

async function main(folder) {
  const { servers, vectors, python } = options();
  const paths = findBrowsers();
  const pages = await servePages();
  const all = [...servers, WRONG];
  let targets = [];
  try {
    const { policies, cases } = readCases(vectors, pages.port);
    targets = await startServers(all, policies, folder);
    for (const { name, policy, error } of targets) if (error) console.log(`FAILED ${name} server, policy ${policy}: ${error}`);
    const live = targets.filter((target) => !target.error);

    const driven = await Promise.all(BROWSER_NAMES.map((name) => drive(name, paths[name], folder, pages.port, cases, live, python).catch((error) => ({ error }))));
    const able = driven.filter((result) => !result.error).length;
    await settle(live, ({ name, policy }) => name === WRONG.name ? 0 : able * cases
      .filter((test) => test.policy === policy && !test.skip[name])
      .reduce((sum, test) => sum + test.expected.exchanges.length, 0));
    await Promise.all(live.map(({ name, policy, stop }) => stop().catch((error) => fail(`${name} server, policy ${policy}: ${error.message}`))));

    for (const { name, lines } of live) {
      for (const line of lines) if (line.unreadable !== undefined) fail(`${name} server wrote a line that is no JSON: ${line.unreadable}`);
    }
    BROWSER_NAMES.forEach((name, index) => {
      if (driven[index].error) fail(`${name}: ${driven[index].error.message}`, servers.length * cases.length + 1);
      else {
        for (const server of all) report(name, server, driven[index], cases, targets);
        reportUploads(name, driven[index]);
      }
    });
  } finally {
    await Promise.all(targets.filter(({ stop }) => stop).map(({ stop }) => stop().catch(() => {})));
    await pages.close();
  }
}

const folder = mkdtempSync(join(tmpdir(), 'corsac-browsers-'));

/** The end of every run, however it comes: no process and no file stays behind. */
function clean() {
  endBrowsers();
  endServers();
  for (const deadline = performance.now() + 5_000; ;) {
    try {
      return rmSync(folder, { recursive: true, force: true });
    } catch (error) {
      // A browser that was just killed may still have been writing.
      if (performance.now() > deadline) return console.error(`${folder} could not be removed: ${error.message}`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    }
  }
}

process.on('exit', clean);
for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]]) process.on(signal, () => process.exit(code));
setTimeout(() => {
  fail(`the suite took more than ${WHOLE_TIMEOUT} ms`);
  total();
  process.exit(1);
}, WHOLE_TIMEOUT).unref();

await main(folder).catch((error) => fail(error.message));
total();
process.exitCode = count.failed ? 1 : 0;
