// Every vector of tests/vectors, on the Node package.

import { describe, test } from 'node:test';

import { checkVector } from './check.mjs';
import { loadVectors } from './vectors.mjs';

for (const { file, cases } of loadVectors()) {
  describe(file, () => {
    for (const vector of cases) {
      test(vector.name, (t) => {
        if (vector.skip?.node !== undefined) return t.skip(vector.skip.node);
        checkVector(vector);
      });
    }
  });
}
