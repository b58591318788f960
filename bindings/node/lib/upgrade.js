'use strict';
// Refuses WebSocket handshakes of strangers: browsers send them without asking, and with cookies.

const { chooser, pathOf } = require('./choice.js');
const { describe, readRaw } = require('./headers.js');
const report = require('./report.js');

/**
 * `(req, socket) => boolean` for `server.on('upgrade')`: true if the handshake may go on. Otherwise it is
 * answered with 403, and nothing else may be done with the socket.
 */
function upgrade(policy, options) {
  const { reportOnly, credentials, allowWithoutOrigin } = report.readOptions(options, { credentials: true, allowWithoutOrigin: false });
  for (const [name, value] of Object.entries({ credentials, allowWithoutOrigin })) {
    if (typeof value !== 'boolean') throw new TypeError(`${name} is ${describe(value)}, not a boolean`);
  }
  const choose = chooser(policy);

  return function corsacUpgrade(req, socket) {
    const chosen = choose.sole !== null ? choose.sole.policy : choose(pathOf(req.url), req);
    if (chosen === null) return true;
    const { origin } = readRaw(req.rawHeaders);
    // Browsers always say whose page asks; what is no browser may not.
    if (origin === undefined ? allowWithoutOrigin : typeof origin === 'string' && chosen.allowsOrigin(origin, credentials)) return true;
    if (report.isHeard()) report.publishHandshake(chosen.evaluate(req.method, req.rawHeaders));
    if (reportOnly) return true;
    refuse(socket);
    return false;
  };
}

function refuse(socket) {
  // A client that has gone is nobody to tell.
  socket.on('error', () => {});
  socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n', () => socket.destroySoon?.());
}

module.exports = { upgrade };
