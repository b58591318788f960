'use strict';
// A policy that can be replaced while a server runs, by one thread or by several.

const { randomUUID } = require('node:crypto');

const { describe } = require('./headers.js');
const native = require('./native.js');
const { Policy, internals, isPolicy, ofShared } = require('./policy.js');
const { idOf, unknownHandle, whileHeld } = require('./share.js');

/** Whether a value is a cell, rather than looks like one. */
let isCell;

/** What a cell has in common with those of other threads. */
class Shared {
  /** How many policies the cell has had, in memory of all threads. */
  #count;

  /** `cell` is the native one, `generation` a SharedArrayBuffer for the count. */
  constructor(cell, id, generation) {
    this.cell = cell;
    this.id = id;
    this.generation = generation;
    this.#count = new Uint32Array(generation);
    /** The count that the policy of this thread belongs to. */
    this.seen = 0;
  }

  get count() {
    return Atomics.load(this.#count, 0);
  }

  /** Counts one more; returns whether nobody did since this thread looked. */
  increase() {
    return Atomics.add(this.#count, 0, 1) === this.seen;
  }
}

class PolicyCell {
  #policy;
  #generation = 1;
  /** Private fields of a frozen object can be assigned to. */
  #shared = null;

  static {
    isCell = (value) => typeof value === 'object' && value !== null && #policy in value;
  }

  constructor(policy) {
    if (policy instanceof Shared) {
      this.#shared = policy;
      this.#read(policy);
    } else {
      this.#policy = checked(policy);
    }
    // A subclass may have fields of its own.
    if (new.target === PolicyCell) Object.freeze(this);
  }

  static from(handle) {
    const id = idOf(handle, 'cell');
    const { generation } = handle;
    if (!(generation instanceof SharedArrayBuffer) || generation.byteLength !== Uint32Array.BYTES_PER_ELEMENT) {
      throw new TypeError(`generation of the handle is ${describe(generation)}, not what cell.share() gives`);
    }
    const cell = native.sharedCell(id);
    if (cell == null) throw unknownHandle('cell');
    return new PolicyCell(new Shared(cell, id, generation));
  }

  static release(handle) {
    return native.releaseShared(idOf(handle, 'cell'));
  }

  share() {
    if (this.#shared === null) {
      const cell = whileHeld(internals(this.#policy), (id) => native.newSharedCell(id));
      const shared = new Shared(cell, randomUUID(), new SharedArrayBuffer(Uint32Array.BYTES_PER_ELEMENT));
      Atomics.store(new Uint32Array(shared.generation), 0, this.#generation);
      shared.seen = this.#generation;
      this.#shared = shared;
    }
    const { cell, id, generation } = this.#shared;
    native.shareCell(cell, id);
    return Object.freeze({ corsac: 'cell', id, generation });
  }

  get policy() {
    const shared = this.#shared;
    if (shared !== null && shared.count !== shared.seen) this.#read(shared);
    return this.#policy;
  }

  set policy(policy) {
    const compiled = internals(checked(policy));
    const shared = this.#shared;
    if (shared !== null) {
      whileHeld(compiled, (id) => native.storeShared(shared.cell, id));
      // If somebody else has replaced it too, what counts is read the next time.
      if (!shared.increase()) return;
      shared.seen = (shared.seen + 1) >>> 0;
    }
    this.#policy = policy;
    this.#generation += 1;
  }

  get generation() {
    return this.#shared === null ? this.#generation : this.#shared.count;
  }

  evaluate(method, headers) {
    return this.policy.evaluate(method, headers);
  }

  allowsOrigin(origin, credentials) {
    return this.policy.allowsOrigin(origin, credentials);
  }

  /** Takes the policy that some thread has assigned. The count is read first: a later policy is read again, never missed. */
  #read(shared) {
    const { count } = shared;
    this.#policy = ofShared(native.loadShared(shared.cell));
    shared.seen = count;
  }
}

/** A cell with the policy of a file. */
class PolicyFile extends PolicyCell {
  constructor(path) {
    const policy = Policy.fromFile(path);
    super(policy);
    Object.defineProperty(this, 'path', { value: path instanceof URL ? new URL(path) : path, enumerable: true });
    if (new.target === PolicyFile) Object.freeze(this);
  }

  reload() {
    const policy = Policy.fromFile(this.path);
    this.policy = policy;
    return policy;
  }
}

/** The policy itself; a TypeError for everything else, objects that only look like one included. */
function checked(policy) {
  if (!isPolicy(policy)) throw new TypeError(`policy is ${describe(policy)}, not a Policy`);
  return policy;
}

module.exports = { PolicyCell, PolicyFile, isCell };
