// Uploads of pages to an S3 gateway, by presigned URLs, under the CORS configuration of its bucket.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runPage } from './pages.mjs';
import { startServer } from './servers.mjs';

const COMMAND = fileURLToPath(new URL('s3-bucket.py', import.meta.url));
const UPLOADER = 'http://uploads.corsac.test';
const STRANGER = 'http://stranger.corsac.test';

/** Presigned with these headers, so that they must be sent. */
const SIGNED = { 'content-type': 'text/plain', 'x-amz-meta-by': 'a page' };

/** Starts the gateway with a bucket in which pages of `UPLOADER` may upload. */
export async function startBucket(python, folder, pagePort) {
  const file = join(folder, 'bucket.json');
  writeFileSync(file, JSON.stringify({
    CORSRules: [
      { AllowedOrigins: [`${UPLOADER}:${pagePort}`], AllowedMethods: ['PUT', 'GET'], AllowedHeaders: ['content-type', 'x-amz-meta-*'], ExposeHeaders: ['ETag'], MaxAgeSeconds: 60 },
    ],
  }));
  const server = await startServer(`'${python}' '${COMMAND}'`, file);
  for (const deadline = performance.now() + 10_000; server.lines.length === 0; ) {
    if (performance.now() > deadline) throw new Error('the bucket told no URLs');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const [{ urls }] = server.lines.splice(0, 1);
  return { ...server, urls };
}

/** In the order in which a page does it: what it sends, what it must see, which requests must arrive (preflights aside). */
function cases({ urls }, body) {
  const put = { method: 'PUT', headers: SIGNED, body };
  return {
    [UPLOADER]: [
      { name: 'upload', url: urls.put, init: put, status: 200, exposed: ['etag'], arrives: 'PUT 200' },
      { name: 'download', url: urls.get, init: {}, status: 200, exposed: ['etag'], body, arrives: 'GET 200' },
      { name: 'credentials', url: urls.get, init: { credentials: 'include' }, status: 200, exposed: ['etag'], body, arrives: 'GET 200' },
      { name: 'forged', url: `${urls.put}0`, init: put, status: 403, code: 'SignatureDoesNotMatch', arrives: 'PUT 403' },
      { name: 'missing', url: urls.missing, init: {}, status: 404, code: 'NoSuchKey', arrives: 'GET 404' },
      { name: 'header-not-allowed', url: urls.put, init: { ...put, headers: { ...SIGNED, 'x-other': '1' } }, refused: true },
      { name: 'method-not-allowed', url: urls.delete, init: { method: 'DELETE' }, refused: true },
    ],
    [STRANGER]: [
      { name: 'upload-by-a-stranger', url: urls.put, init: put, refused: true },
      // It arrives, as every simple request does; only the answer cannot be read.
      { name: 'download-by-a-stranger', url: urls.get, init: {}, refused: true, arrives: 'GET 200' },
    ],
  };
}

/** Makes the uploads of one browser, to a bucket that no other uses: a list of `{ name, problems }`. */
export async function driveBucket(browserName, browser, pagePort, bucket) {
  const found = [];
  for (const [page, list] of Object.entries(cases(bucket, `uploaded by ${browserName}`))) {
    // One after another, since a presigned URL cannot be told apart by a parameter of its own.
    for (const test of list) {
      const before = bucket.lines.length;
      const views = await runPage(browser, `${page}:${pagePort}`, pagePort, [[{ id: test.name, url: test.url, init: test.init }]]);
      const expected = test.arrives ? 1 : 0;
      const arrived = () => bucket.lines.slice(before).filter(({ method }) => method !== 'OPTIONS');
      for (const deadline = performance.now() + 2_000; arrived().length < expected && performance.now() < deadline; ) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      found.push({ name: test.name, problems: problemsOf(test, views.get(test.name), arrived()) });
    }
  }
  return found;
}

function problemsOf(test, view, arrived) {
  const problems = [];
  const check = (what, expected, seen) => {
    if (JSON.stringify(expected) !== JSON.stringify(seen)) problems.push(`${what}: expected ${JSON.stringify(expected)}, seen ${JSON.stringify(seen)}`);
  };
  check('readable', !test.refused, view.readable ?? view.error);
  check('requests', test.arrives ? [test.arrives] : [], arrived.map(({ method, status }) => `${method} ${status}`));
  if (test.refused || !view.readable) return problems;
  check('status', test.status, view.status);
  if (test.exposed) check('exposed', test.exposed, view.exposed.map((name) => name.toLowerCase()));
  if (test.body) check('body', test.body, view.body);
  if (test.code) check('code', test.code, /<Code>(.*)<\/Code>/.exec(view.body)?.[1]);
  return problems;
}
