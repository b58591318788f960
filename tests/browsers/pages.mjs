// The pages that scripts run in: one blank page served for every host, and the batch of fetch() calls made inside it.
import { createServer } from 'node:http';
import { OBSERVED_HEADERS } from './cases.mjs';

/** The host whose page is sandboxed: its origin is opaque and goes over the wire as `null`. */
const OPAQUE_HOST = 'opaque.localhost';
/** Set by every page for its host; a server on that host gets it exactly when credentials are included. */
export const COOKIE = 'corsac=visited';
const FETCH_TIMEOUT = 10_000;

/** Serves the blank page on a free port of 127.0.0.1: `{ port, close() }`. */
export async function servePages() {
  const server = createServer((request, response) => {
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.setHeader('Set-Cookie', `${COOKIE}; Path=/; SameSite=Lax`);
    if (request.headers.host?.startsWith(OPAQUE_HOST)) response.setHeader('Content-Security-Policy', 'sandbox allow-scripts');
    response.end('<!doctype html><html lang="en"><title>corsac</title><link rel="icon" href="data:,">');
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    close: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}

/** The host of a case's page. Its servers are addressed by the same host: cross-origin by port alone, so that cookies travel. */
export function hostOf(page) {
  return page === 'null' ? OPAQUE_HOST : new URL(page).hostname;
}

/**
 * Opens `page` in `browser` and makes its calls, `queues` being lists of `{ id, url, init }`: the lists run side by side, the
 * calls of one list one after another. Resolves to a Map from id to `{ readable, status, exposed, body }` or `{ error }`.
 */
export async function runPage(browser, page, port, queues) {
  const tab = await browser.newPage();
  try {
    await tab.goto(`http://${hostOf(page)}:${port}/`, { waitUntil: 'domcontentloaded', timeout: 20_000 });
    const origin = await tab.evaluate(() => self.origin);
    if (origin !== page) throw new Error(`the page's origin is ${origin}, not ${page}`);
    return new Map(JSON.parse(await tab.evaluate(fetchAll, queues, OBSERVED_HEADERS, FETCH_TIMEOUT)));
  } finally {
    await tab.close().catch(() => {});
  }
}

/** Runs inside the page, and so uses nothing from outside itself. */
async function fetchAll(queues, observed, timeout) {
  const views = [];
  async function view({ url, init }) {
    try {
      const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeout) });
      const exposed = observed.filter((name) => response.headers.has(name)).sort();
      return { readable: true, status: response.status, exposed, body: await response.text() };
    } catch (error) {
      // A refusal and a dropped connection look the same to script (a TypeError); the server's lines tell them apart.
      return error.name === 'TypeError' ? { readable: false } : { error: `${error.name}: ${error.message}` };
    }
  }
  await Promise.all(queues.map(async (queue) => {
    let stuck = false;
    for (const call of queue) {
      const seen = stuck ? { error: 'not tried: an earlier request of this page had no answer' } : await view(call);
      stuck ||= seen.error?.startsWith('TimeoutError') ?? false;
      views.push([call.id, seen]);
    }
  }));
  return JSON.stringify(views);
}
