// The servers under test: started from their commands, read line by line, and ended.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const START_TIMEOUT = 20_000;
const STOP_TIMEOUT = 3_000;

const running = new Set();

/**
 * Starts `command --policy FILE` and waits until it listens: `{ port, lines, stop() }`, where `lines` grows by one object a
 * request. Rejects with the server's own words if it does not start.
 */
export async function startServer(command, policyFile) {
  // The shell splits the command and is replaced by it; a group of its own lets the whole of it be ended.
  const child = spawn('/bin/sh', ['-c', `exec ${command} "$@"`, 'sh', '--policy', policyFile, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  running.add(child);
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text) => { complaints = (complaints + text).slice(-2000); });
  const lines = [];
  const closed = new Promise((resolve) => child.once('close', (code, signal) => {
    running.delete(child);
    resolve(signal ?? code);
  }));

  async function stop() {
    child.kill('SIGTERM');
    const end = await Promise.race([closed, after(STOP_TIMEOUT, 'timeout')]);
    if (end !== 'timeout') return;
    endGroup(child);
    await closed;
    throw new Error(`it did not stop ${STOP_TIMEOUT} ms after SIGTERM and was killed`);
  }

  const port = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const listening = /^listening http:\/\/127\.0\.0\.1:(\d+)$/.exec(line);
      if (listening) return resolve(Number(listening[1]));
      try {
        lines.push(JSON.parse(line));
      } catch {
        lines.push({ target: '', unreadable: line });
      }
    });
    child.once('error', reject);
    closed.then((end) => reject(new Error(`it ended (${end}) before it listened: ${complaints.trim() || 'it said nothing'}`)));
  });
  try {
    const listening = await Promise.race([port, after(START_TIMEOUT, null)]);
    if (listening === null) throw new Error(`it did not listen within ${START_TIMEOUT} ms: ${complaints.trim()}`);
    return { port: listening, lines, stop };
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
}

/** Ends what is still running, without waiting: for signals and for the last moment of this process. */
export function endServers() {
  for (const child of running) endGroup(child);
}

function endGroup(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has already ended.
  }
}

function after(milliseconds, value) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds, value).unref());
}
