// The two browsers: found, started headless with a profile that is thrown away, and ended with all their processes.
import { accessSync, constants, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import puppeteer from 'puppeteer-core';

/** For both, hosts of every name are this machine, and no other machine is asked anything. */
const BROWSERS = {
  chromium: {
    variable: 'CORSAC_CHROMIUM',
    program: 'chromium',
    package: 'chromium',
    options: {
      browser: 'chrome',
      args: [
        // Root has no sandbox of its own, and only pages of this suite are opened.
        '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync', '--disable-breakpad', '--no-proxy-server',
        '--host-resolver-rules=MAP * 127.0.0.1', '--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable',
      ],
    },
  },
  firefox: {
    variable: 'CORSAC_FIREFOX',
    program: 'firefox-esr',
    package: 'firefox-esr',
    options: {
      browser: 'firefox',
      extraPrefsFirefox: {
        'network.dns.forceResolve': '127.0.0.1',
        'network.proxy.type': 0,
        'network.captive-portal-service.enabled': false,
        'network.connectivity-service.enabled': false,
        'dom.security.https_first': false,
      },
    },
  },
};

export const BROWSER_NAMES = Object.keys(BROWSERS);

/** Where each browser is: `{ name: path }`. Throws one error that names every missing one and the package it comes in. */
export function findBrowsers() {
  const found = {};
  const missing = [];
  for (const [name, { variable, program, package: debian }] of Object.entries(BROWSERS)) {
    const candidates = process.env[variable] ? [process.env[variable]] : process.env.PATH.split(delimiter).map((folder) => join(folder, program));
    found[name] = candidates.find(executable);
    if (!found[name]) missing.push(`${name} is not installed: \`apt-get install ${debian}\`, or set ${variable} to its path`);
  }
  if (missing.length) throw new Error(missing.join('; '));
  return found;
}

/** Starts a browser whose files all stay in `folder`: `{ browser, version, close() }`. */
export async function startBrowser(name, executablePath, folder) {
  const home = join(folder, name);
  const profile = join(home, 'profile');
  const temporary = join(home, 'tmp');
  mkdirSync(profile, { recursive: true });
  mkdirSync(temporary);
  const env = { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home, TMPDIR: temporary, MOZ_CRASHREPORTER_DISABLE: '1' };
  const browser = await puppeteer.launch({
    ...BROWSERS[name].options, executablePath, env, userDataDir: profile, headless: true, timeout: 60_000, protocolTimeout: 60_000,
    signal: ending.signal, handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false,
  });
  return { browser, version: await browser.version(), close: () => close(browser) };
}

/** Ends every browser at once, even one that is just starting. (The launcher's own exit handler forgets the second of two.) */
export function endBrowsers() {
  ending.abort();
}

const ending = new AbortController();

async function close(browser) {
  const child = browser.process();
  let timer;
  const late = new Promise((resolve) => { timer = setTimeout(resolve, 10_000); });
  await Promise.race([browser.close().catch(() => {}), late]);
  clearTimeout(timer);
  // Its helpers outlive it for a moment, dead but not yet collected by the system's first process.
  const deadline = performance.now() + 3_000;
  while (endGroup(child) && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** Ends the process group that the launcher gave to the browser; false if there is none any more. */
function endGroup(child) {
  try {
    return process.kill(-child.pid, 'SIGKILL');
  } catch {
    return false;
  }
}

function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
