// Puts the licences of the repository into the package while it is packed: `copy` before, `remove` after.

import { copyFileSync, rmSync } from 'node:fs';

const root = new URL('../', import.meta.url);

for (const name of ['LICENSE-MIT', 'LICENSE-APACHE', 'THIRD-PARTY.md']) {
  const file = new URL(name, root);
  if (process.argv[2] === 'copy') copyFileSync(new URL(`../../${name}`, root), file);
  else rmSync(file, { force: true });
}
