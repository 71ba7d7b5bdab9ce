// Small windows and large letters: a page never scrolls sideways, and nothing is cut off.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { accessible, open, unfold, visitor } from "./browser.mjs";
import { visitAll } from "./pages.mjs";
import { enterByLink, world } from "./server.mjs";

let browser;
before(async () => { browser = await open(); });
after(() => browser.close());

/** What of a page is wider than its window, or cut off. */
const misfits = (page) =>
  page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const scrolls = (element) => element && (/auto|scroll/.test(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
    const beyond = [...document.body.querySelectorAll("*")].filter((element) => {
      const { right, left, width: own } = element.getBoundingClientRect();
      return own > 0 && right > width + 1 && left >= 0 && element.checkVisibility() && !scrolls(element.parentElement);
    });
    // Long text in a field scrolls inside the field.
    const cut = [...document.body.querySelectorAll(":not(input, textarea)")].filter((element) =>
      /hidden|clip/.test(getComputedStyle(element).overflowX) && element.scrollWidth > element.clientWidth + 1);
    const sideways = document.documentElement.scrollWidth > width ? ["the page scrolls sideways"] : [];
    return [...sideways, ...[...beyond, ...cut].map(({ outerHTML }) => outerHTML.slice(0, 160))];
  });

const sizes = [
  ["320 px", 320, "100%"],
  ["320 px, letters twice as large", 320, "200%"],
  ["640 px, letters twice as large", 640, "200%"],
  ["1280 px, letters twice as large", 1280, "200%"],
  ["1280 px", 1280, "100%"],
];

/** Looks at a page in all sizes, and adds what does not fit to what was found. */
async function look(page, found) {
  await unfold(page);
  for (const [what, width, letters] of sizes) {
    await page.setViewportSize({ width, height: 800 });
    await page.evaluate((letters) => { document.documentElement.style.fontSize = letters; }, letters);
    for (const misfit of await misfits(page)) found.push(`${new URL(page.url()).pathname}, ${what}: ${misfit}`);
  }
}

test("all pages fit", async () => {
  const { page } = await visitor(browser);
  const found = [];
  await page.goto(`${world.endpoint}/console/in`);
  await look(page, found);
  await enterByLink(page);
  await visitAll(page, (page) => look(page, found));
  assert.deepEqual(found, [], found.join("\n"));
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
