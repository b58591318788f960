// What the types promise, checked by `npm run types`: an error that does not come is an error.

import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { subscribe } from 'node:diagnostics_channel';

import {
  Decision,
  Policy,
  PolicyCell,
  PolicyError,
  PolicyFile,
  S3Error,
  express,
  publicSuffixList,
  upgrade,
  version,
  type CellHandle,
  type HeaderEdit,
  type PolicyHandle,
  type PolicyOptions,
  type Problem,
  type RefusedMessage,
} from 'corsac';

const options: PolicyOptions = { allowOrigins: ['https://app.example.com'], allowMethods: '*', maxAge: 600 };
const policy: Policy = new Policy(options);
new Policy({ allow_origins: '*', expose_headers: ['x-total-count'], max_age: undefined });
Policy.fromJSON('{"allow_origins":"*"}');
Policy.fromJSON(new Uint8Array());
Policy.fromFile(new URL('policy.json', import.meta.url));

new Policy({
  $schema: 'policy.schema.json',
  name: 'the site',
  rules: [
    { allowOrigins: ['https://app.example.com'], allowCredentials: true, timingAllowOrigin: true, name: 'app' },
    { allowOrigins: '*', timingAllowOrigin: '*', dangerouslyAllow: ['insecure-origins'], maxAge: undefined },
  ],
  preflightStatus: 200,
  refusedRequests: 'forbid',
  ownOrigins: ['https://example.com'],
  foreignHeaders: 'keep',
  expect: { allow: ['https://app.example.com'], refuse: ['null'] },
  acknowledge: ['duplicate'],
});
new Policy({ rules: [{ allow_origins: '*', timing_allow_origin: '*' }], preflight_status: 204, foreign_headers: 'remove' });
new Policy({ allowOrigins: '*', refusedRequests: 'forward', description: 'everyone' });

// @ts-expect-error the first key decides how keys are written
new Policy({ rules: [{ allow_origins: '*' }], refusedRequests: 'forbid' });
// @ts-expect-error no key of a rule stands beside rules
new Policy({ rules: [{ allowOrigins: '*' }], maxAge: 5 });
// @ts-expect-error what holds for the whole policy stands in no rule
new Policy({ rules: [{ allowOrigins: '*', preflightStatus: 200 }] });
// @ts-expect-error there are two statuses
new Policy({ allowOrigins: '*', preflightStatus: 201 });
// @ts-expect-error there is no such danger
new Policy({ allowOrigins: '*', dangerouslyAllow: ['everything'] });
// @ts-expect-error there is no such warning
new Policy({ allowOrigins: '*', acknowledge: ['anything'] });
// @ts-expect-error there are two ways
new Policy({ allowOrigins: '*', refusedRequests: 'reject' });
// @ts-expect-error allowOrigins is required
new Policy({ maxAge: 600 });
// @ts-expect-error a lone string is no list
new Policy({ allowOrigins: 'https://app.example.com' });
// @ts-expect-error null is no list
new Policy({ allowOrigins: ['https://app.example.com'], allowMethods: null });
// @ts-expect-error there is no such key
new Policy({ allowOrigins: '*', allowOrigin: '*' });
// @ts-expect-error decisions come from policies
new Decision();
// @ts-expect-error policies do not change
policy.warnings = [];

class NamedPolicy extends Policy {
  label = 'mine';
}
const named: NamedPolicy = NamedPolicy.fromJSON('{"allow_origins":"*"}');
const passedAround: Policy[] = ['{"allow_origins":"*"}'].map((text) => Policy.fromJSON(text));
const { fromJSON } = Policy;
const detached: Policy = fromJSON('{"allow_origins":"*"}');
const unreported: number = detached.warningsUnreported;
console.log(named.label, NamedPolicy.fromFile('policy.json').label, passedAround.length, unreported);

const cell: PolicyCell = new PolicyCell(policy);
cell.policy = Policy.fromFile('policy.json');
// @ts-expect-error a document is no policy
cell.policy = { allow_origins: '*' };
// @ts-expect-error generations are counted, not set
cell.generation = 5;
// @ts-expect-error there is no cell without a policy
new PolicyCell();
const generation: number = cell.generation;
const byCell: [boolean, boolean] = [cell.evaluate('GET', {}).allowed, cell.allowsOrigin(null, false)];
console.log(generation, byCell, cell.policy.warnings.length);

createServer((req, res) => {
  const decision: Decision = policy.evaluate(req.method ?? '', req.rawHeaders);
  policy.evaluate('GET', req.headers);
  policy.evaluate('GET', req.headersDistinct);
  policy.evaluate('GET', [['Origin', 'https://app.example.com']] as const);
  policy.evaluate('GET', Object.entries({ Origin: 'https://app.example.com' }));
  policy.evaluate('GET', new Headers());
  // @ts-expect-error numbers are no values
  policy.evaluate('GET', { origin: 5 });
  // @ts-expect-error the headers are missing
  policy.evaluate('GET');

  const edits: readonly HeaderEdit[] = decision.headers;
  for (const [op, name, value] of edits) {
    if (op === 'set') res.setHeader(name, value);
    // @ts-expect-error there is no such operation
    if (op === 'append') res.appendHeader(name, value);
  }
  // @ts-expect-error decisions do not change
  decision.headers.push(['set', 'X', 'y']);
  const rule: number | null = decision.rule;
  const status: 0 | 200 | 204 | 400 | 403 = decision.status;
  const line: string = decision.toString();
  console.log(status, line, decision.ruleName?.length);
  const allowed: boolean = policy.allowsOrigin(req.headers.origin) && policy.allowsOrigin(null, false);
  res.end(JSON.stringify({ rule, allowed, version, document: policy.document() }));
});

const handle: PolicyHandle = policy.share();
const cellHandle: CellHandle = cell.share();
const shared: [Policy, PolicyCell, boolean, boolean] = [Policy.from(handle), PolicyCell.from(cellHandle), Policy.release(handle), PolicyCell.release(cellHandle)];
// @ts-expect-error the handle of a cell is none of a policy
Policy.from(cellHandle);
const file: PolicyFile = new PolicyFile(new URL('policy.json', import.meta.url));
const reloaded: Policy = file.reload();
// @ts-expect-error the path stays
file.path = 'other.json';
console.log(shared.length, reloaded, publicSuffixList.length);

const bucket: Policy = Policy.fromS3('<CORSConfiguration/>', { dialect: 'aws', strict: undefined });
const s3Lines: [name: string, value: string][] = bucket.s3Headers('OPTIONS', { origin: 'https://app.example.com' });
const s3Errors: (S3Error | null)[] = [
  bucket.s3Error('OPTIONS', ['Origin', 'https://app.example.com']),
  S3Error.bucketMissing(new Headers(), { dialect: undefined }),
  S3Error.corsNotEnabled([['Origin', 'https://app.example.com']]),
  S3Error.noConfiguration(),
  S3Error.badDigest({ dialect: 'zenko' }),
  new S3Error('NoSuchKey', 404, 'The specified key does not exist.', { dialect: 'aws' }),
];
const s3Bodies: string[] = s3Errors.map((error) => error?.body({ isBucket: true, requestId: 'R1', hostId: undefined }) ?? '');
const s3Xml: string | null = bucket.s3Xml();
console.log(s3Lines, s3Bodies, s3Xml, s3Errors[0]?.code, s3Errors[0]?.status, s3Errors[0]?.message);
// @ts-expect-error the headers are missing
S3Error.bucketMissing();
// @ts-expect-error there is no such dialect
S3Error.noConfiguration({ dialect: 'ceph' });
// @ts-expect-error errors do not change
S3Error.noConfiguration().code = 'NoSuchBucket';

const middleware = express(policy, { reportOnly: true });
createServer((req, res) => middleware(req, res, (error?: unknown) => res.end(String(error))));
const middleware2 = express(file);
createHttp2Server((req, res) => express<typeof req>(file)(req, res, () => res.end()));
express({ '/api': policy, '/': null });
express(new Map([['/api', cell]]));
express((req) => (req.url === '/' ? policy : null));
// @ts-expect-error options are no policy
express({ allowOrigins: '*' });
// @ts-expect-error prefixes begin with a slash
express({ api: policy });
// @ts-expect-error a policy is chosen without waiting
express(async () => policy);
// @ts-expect-error there is no such option
express(policy, { reportonly: true });
const mayUpgrade = upgrade(cell, { credentials: false, allowWithoutOrigin: true });
createServer(middleware2 as never).on('upgrade', (req, socket) => {
  const may: boolean = mayUpgrade(req, socket);
  if (may) socket.end();
});
subscribe('corsac:refused', (message) => console.warn((message as RefusedMessage).line));

try {
  Policy.fromFile('policy.json');
} catch (error) {
  if (error instanceof PolicyError) {
    const problem: Problem | undefined = error.problems[0];
    const place: [number | null, number | null] = [problem?.line ?? null, problem?.column ?? null];
    console.error(error.name, error.unreported, place, problem?.suggestion?.length);
  }
}
