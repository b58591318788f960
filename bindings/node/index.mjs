// The same module for `import`: one instance, however it is loaded.

import corsac from './index.js';

export const { Policy, PolicyCell, PolicyError, Decision, version } = corsac;
