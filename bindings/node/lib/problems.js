'use strict';
// What is wrong with a configuration: the native half's problems as frozen objects, and the error that carries them.

/** Every problem of a configuration. */
class PolicyError extends Error {
  /** `source` is the file, if the configuration came from one. */
  constructor(problems, unreported = 0, source = null, s3Error = null) {
    const lines = problems.map((problem) => describeProblem(problem, source));
    if (unreported > 0) lines.push(`(and ${unreported} more)`);
    super(lines.join('\n'));
    this.problems = problems;
    this.unreported = unreported;
    this.s3Code = s3Error?.code ?? null;
    this.s3Error = s3Error;
  }
}
Object.defineProperty(PolicyError.prototype, 'name', { value: 'PolicyError', writable: true, configurable: true });

/** One line: `file:line:column: path: message`, without what is unknown. */
function describeProblem({ path, message, line, column }, source) {
  const place = [source, line, column].filter((part) => part !== null).join(':');
  return [place, path, message].filter((part) => part !== '').join(': ');
}

/** Frozen problems of the native ones; `rename` changes their texts first. */
function makeProblems(problems, rename) {
  return Object.freeze(
    problems.map(({ code, path, value, message, suggestion, line, column }) => {
      const problem = {
        code,
        path,
        value: value ?? null,
        message,
        suggestion: suggestion ?? null,
        line: line ?? null,
        column: column ?? null,
      };
      rename(problem);
      return Object.freeze(problem);
    }),
  );
}

module.exports = { PolicyError, makeProblems };
