// Records what Chromium does when a page calls a server, as its developer tools export it (HAR 1.2):
//   record.mjs < JOBS > HARS
// JOBS: [{"page": origin, "url", "options": what fetch() takes}, ...]; HARS: [{"har", "error"}, ...].
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBrowsers, startBrowser } from '../browsers/browsers.mjs';

const pairs = (headers) => Object.entries(headers ?? {}).map(([name, value]) => ({ name, value }));

/** What the developer tools' network panel keeps of each request, and its export writes. */
class Panel {
  entries = [];
  // By the identifier of a request, which its redirects share: the entries, and what really went over the wire, which
  // comes in events of its own, in the same order, whenever it likes.
  chains = new Map();

  constructor(client) {
    client.on('Network.requestWillBeSent', (event) => {
      const chain = this.chain(event.requestId);
      const { redirectResponse } = event;
      if (redirectResponse) this.answered(chain.entries.at(-1), redirectResponse, redirectResponse.headers.Location ?? redirectResponse.headers.location);
      const entry = {
        _resourceType: (event.type ?? 'other').toLowerCase(),
        request: { method: event.request.method, url: event.request.url, httpVersion: 'HTTP/1.1', headers: pairs(event.request.headers), cookies: [], queryString: [], headersSize: -1, bodySize: 0 },
        response: { status: 0, statusText: '', httpVersion: '', headers: [], cookies: [], content: { size: 0, mimeType: 'x-unknown' }, redirectURL: '', headersSize: -1, bodySize: -1, _error: null },
        startedDateTime: new Date(event.wallTime * 1000).toISOString(), time: 1, cache: {}, timings: { send: 0, wait: 1, receive: 0 },
      };
      if (event.request.hasPostData) entry.request.postData = { mimeType: '', text: event.request.postData ?? '' };
      this.entries.push(entry);
      chain.entries.push(entry);
    });
    client.on('Network.requestWillBeSentExtraInfo', (event) => this.chain(event.requestId).requests.push(event));
    client.on('Network.responseReceivedExtraInfo', (event) => this.chain(event.requestId).responses.push(event));
    client.on('Network.responseReceived', (event) => this.answered(this.chain(event.requestId).entries.at(-1), event.response, ''));
    client.on('Network.loadingFailed', (event) => {
      const entry = this.chain(event.requestId).entries.at(-1);
      if (entry) entry.response._error = event.errorText;
    });
  }

  chain(id) {
    if (!this.chains.has(id)) this.chains.set(id, { entries: [], requests: [], responses: [] });
    return this.chains.get(id);
  }

  answered(entry, response, redirect) {
    if (!entry) return;
    entry.response.status = response.status;
    entry.response.headers = pairs(response.headers);
    entry.response.redirectURL = redirect ?? '';
  }

  har() {
    for (const { entries, requests, responses } of this.chains.values()) {
      entries.forEach((entry, index) => {
        if (requests[index]) entry.request.headers = pairs(requests[index].headers);
        if (!responses[index]) return;
        entry.response.status = responses[index].statusCode;
        entry.response.headers = pairs(responses[index].headers);
      });
    }
    return { log: { version: '1.2', creator: { name: 'WebInspector', version: '537.36' }, pages: [], entries: this.entries } };
  }
}

const folder = mkdtempSync(join(tmpdir(), 'corsac-record-'));
const { browser, close } = await startBrowser('chromium', findBrowsers().chromium, folder);
try {
  const recorded = [];
  for (const { page: origin, url, options } of JSON.parse(readFileSync(0, 'utf8'))) {
    const page = await browser.newPage();
    await page.goto(`${origin}/`);
    const client = await page.createCDPSession();
    await client.send('Network.enable');
    const panel = new Panel(client);
    const error = await page.evaluate((url, options) => fetch(url, options).then(() => null, String), url, options);
    await new Promise((resolve) => setTimeout(resolve, 300));
    recorded.push({ har: panel.har(), error });
    await page.close();
  }
  process.stdout.write(JSON.stringify(recorded));
} finally {
  await close();
  rmSync(folder, { recursive: true, force: true });
}
