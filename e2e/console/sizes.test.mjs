// Small windows and large letters: the page never scrolls sideways, and nothing is cut off.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { accessible, open, unfold, visitor } from "./browser.mjs";
import { visitAll } from "./pages.mjs";
import { enterByLink, world } from "./server.mjs";

let browser;
before(async () => { browser = await open(); });
after(() => browser.close());

/** Holds that a page is as wide as its window. */
async function fits(page, what) {
  const found = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const scrolls = (element) => element && (/auto|scroll/.test(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
    const beyond = [...document.body.querySelectorAll("*")].filter((element) => {
      const { right, left, width: own } = element.getBoundingClientRect();
      return own > 0 && right > width + 1 && left >= 0 && element.checkVisibility() && !scrolls(element.parentElement);
    });
    const cut = [...document.body.querySelectorAll("*")].filter((element) =>
      /hidden|clip/.test(getComputedStyle(element).overflowX) && element.scrollWidth > element.clientWidth + 1);
    return {
      beyond: document.documentElement.scrollWidth - width,
      elements: [...beyond, ...cut].slice(0, 5).map(({ outerHTML }) => outerHTML.slice(0, 200)),
    };
  });
  assert.deepEqual(found, { beyond: 0, elements: [] }, `${page.url()} ${what}`);
}

const sizes = [
  ["320 px", 320, "100%"],
  ["320 px, letters twice as large", 320, "200%"],
  ["640 px, letters twice as large", 640, "200%"],
  ["1280 px, letters twice as large", 1280, "200%"],
  ["1280 px", 1280, "100%"],
];

async function fitsAll(page) {
  await unfold(page);
  for (const [what, width, letters] of sizes) {
    await page.setViewportSize({ width, height: 800 });
    await page.evaluate((letters) => { document.documentElement.style.fontSize = letters; }, letters);
    await fits(page, what);
  }
}

test("all pages fit", async () => {
  const { page } = await visitor(browser);
  await page.goto(`${world.endpoint}/console/in`);
  await fitsAll(page);
  await page.setViewportSize({ width: 320, height: 800 });
  await enterByLink(page);
  await visitAll(page, fitsAll);
});

test("what is stacked in a small window can be used as well", async () => {
  const { page } = await visitor(browser, { viewport: { width: 320, height: 800 } });
  await enterByLink(page);
  await page.getByRole("link", { name: "Logins", exact: true }).click();
  const cell = page.locator("td[data-label=State]").first();
  const label = await cell.evaluate((cell) => getComputedStyle(cell, "::before").content);
  assert.match(label, /State/, "each figure says what it is");
  await accessible(page);
});
