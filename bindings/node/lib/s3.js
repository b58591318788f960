'use strict';
// The errors of S3, for servers that answer as S3 does.

const { describe, readHeaders } = require('./headers.js');
const native = require('./native.js');

/** So that only this package makes errors of what the native half says. */
const MADE = Symbol('made');

class S3Error {
  /** Everything of it, as JSON of the native half. */
  #json;

  constructor(code, status, message, options) {
    const error = code === MADE ? status : readError(code, status, message, options);
    this.code = error.code;
    this.status = error.status;
    this.message = error.message;
    this.dialect = error.dialect;
    this.#json = JSON.stringify(error);
    // A subclass may have fields of its own.
    if (new.target === S3Error) Object.freeze(this);
  }

  static bucketMissing(headers, options) {
    return answer('bucket-missing', options, readHeaders(headers));
  }

  static corsNotEnabled(headers, options) {
    return answer('cors-not-enabled', options, readHeaders(headers));
  }

  static noConfiguration(options) {
    return answer('no-configuration', options);
  }

  static badDigest(options) {
    return answer('bad-digest', options);
  }

  body(options = {}) {
    const { isBucket = false, requestId = '', hostId = '' } = readObject(options);
    for (const [name, value, type] of [['isBucket', isBucket, 'boolean'], ['requestId', requestId, 'string'], ['hostId', hostId, 'string']]) {
      if (typeof value !== type) throw new TypeError(`${name} is ${describe(value)}, not a ${type}`);
    }
    return native.s3Body(this.#json, isBucket, requestId, hostId);
  }
}

function readError(code, status, message, options = {}) {
  if (typeof code !== 'string') throw new TypeError(`code is ${describe(code)}, not a string`);
  if (!Number.isInteger(status) || status < 100 || status > 999) throw new TypeError(`status is ${describe(status)}, not a status such as 404`);
  if (typeof message !== 'string') throw new TypeError(`message is ${describe(message)}, not a string`);
  return { code: code.toWellFormed(), status, message: message.toWellFormed(), dialect: readDialect(options), method: null, is_bucket: null };
}

function readObject(options) {
  if (typeof options !== 'object' || options === null) throw new TypeError(`options is ${describe(options)}, not an object`);
  return options;
}

function readDialect(options) {
  const { dialect = 'zenko' } = readObject(options);
  if (dialect !== 'zenko' && dialect !== 'aws') throw new TypeError(`dialect is ${typeof dialect === 'string' ? JSON.stringify(dialect) : describe(dialect)}, not "zenko" or "aws"`);
  return dialect;
}

/** What S3 answers about a bucket, to a request with these facts. */
function answer(name, options = {}, { origin, requestMethod } = {}) {
  const dialect = readDialect(options);
  const lines = (fact) => (fact === undefined ? [] : [fact].flat());
  return makeS3Error(native.s3Error(name, dialect, lines(origin), lines(requestMethod)));
}

/** An error of what the native half says of it, as JSON or parsed; null for none. */
function makeS3Error(error) {
  if (error == null) return null;
  return new S3Error(MADE, typeof error === 'string' ? JSON.parse(error) : error);
}

module.exports = { S3Error, makeS3Error };
