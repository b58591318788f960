// The same types for `require`.

import corsac = require('corsac');

const decision: corsac.Decision = new corsac.Policy({ allowOrigins: '*' }).evaluate('GET', {});
const kind: 'not-cors' | 'actual' | 'preflight' = decision.kind;
console.log(kind, corsac.version);
