// Opens pages in Chromium, light and dark, narrow and wide: pages.mjs FILE... prints, for each, what went wrong with it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findBrowsers, startBrowser } from '../browsers/browsers.mjs';

const folder = mkdtempSync(join(tmpdir(), 'corsac-pages-'));
const pictures = process.env.CORSAC_PICTURES;
const { browser, close } = await startBrowser('chromium', findBrowsers().chromium, folder);
try {
  const page = await browser.newPage();
  const told = {};
  let wrong;
  page.on('request', (request) => request.isNavigationRequest() || wrong.push(`it loads ${request.url()}`));
  page.on('console', (message) => wrong.push(`the console says ${message.text()}`));
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('dialog', (dialog) => { wrong.push('it runs script'); dialog.dismiss(); });
  for (const file of process.argv.slice(2)) {
    told[file] = wrong = [];
    for (const scheme of ['light', 'dark']) {
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
      for (const width of [360, 1200]) {
        await page.setViewport({ width, height: 800 });
        await page.goto(pathToFileURL(resolve(file)).href);
        const found = await page.evaluate(measure);
        wrong.push(...found.map((what) => `${scheme} ${width}: ${what}`));
        if (pictures) await page.screenshot({ path: join(pictures, `${file.replace(/.*\//, '')}-${scheme}-${width}.png`), fullPage: true });
      }
    }
  }
  console.log(JSON.stringify(told));
} finally {
  await close();
  rmSync(folder, { recursive: true, force: true });
}

/** What cannot be read: wider than the window, over other text, or of too little contrast (WCAG 2.2, 4.5 to 1). */
function measure() {
  const wrong = [];
  if (document.compatMode !== 'CSS1Compat') wrong.push('quirks mode');
  if (document.documentElement.scrollWidth > innerWidth) wrong.push(`${document.documentElement.scrollWidth} pixels wide`);
  for (const details of document.querySelectorAll('details')) details.open = true;
  const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = numbers(colour).slice(0, 3).map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (numbers(colour)[3] !== 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const texts = [...document.querySelectorAll('main *')].filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  for (const element of texts) {
    const [a, b] = [light(getComputedStyle(element).color), light(paper(element))].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5) wrong.push(`contrast ${contrast.toFixed(1)} of ${element.textContent.slice(0, 30)}`);
    const box = element.getBoundingClientRect();
    if (box.width && (box.left < -1 || box.right > innerWidth + 1)) wrong.push(`beyond the window: ${element.textContent.slice(0, 30)}`);
  }
  const boxes = [...document.querySelectorAll('.lanes div, .text, .stop, .hint:not(.cause), .arrow')].map((element) => [element, element.getBoundingClientRect()]);
  boxes.forEach(([element, one], index) => boxes.slice(index + 1).forEach(([other, two]) => {
    if (element.contains(other) || other.contains(element)) return;
    const across = Math.min(one.right, two.right) - Math.max(one.left, two.left);
    const down = Math.min(one.bottom, two.bottom) - Math.max(one.top, two.top);
    if (across > 1 && down > 1) wrong.push(`${element.className} over ${other.className}`);
  }));
  return wrong;
}
