// Use with the keyboard only.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { open, unfold, unharmed, visitor } from "./browser.mjs";
import { visitAll } from "./pages.mjs";
import { enterByLink, link, live, world } from "./server.mjs";

// More than the links of any page.
const MANY = 400;

let browser;
before(async () => { browser = await open(); });
after(() => browser.close());

/** Marks where Tab has to lead. Of a group of radio buttons, it leads to one. */
const plan = (page) =>
  page.evaluate(() => {
    const all = document.querySelectorAll("a[href], button, input:not([type=hidden], [type=radio]), select, textarea, summary, [tabindex='0']");
    window.stops = [...all].filter((element) => element.checkVisibility({ visibilityProperty: true }) && !element.disabled);
    window.scrollTo(0, 0);
    document.activeElement.blur();
    return window.stops.length;
  });

/** What has the focus, and how one sees it. */
const focused = (page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    if (element === document.body) return null;
    const { left, right, top, bottom, width, height } = element.getBoundingClientRect();
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    return {
      stop: window.stops.indexOf(element),
      html: element.outerHTML.slice(0, 160),
      isShown: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
      isInView: width > 0 && height > 0 && right > 0 && bottom > 0 && left < innerWidth && top < innerHeight,
    };
  });

async function walk(page) {
  const count = await plan(page);
  const seen = [];
  for (let press = 0; press < MANY; press += 1) {
    await page.keyboard.press("Tab");
    const at = await focused(page);
    if (at === null || at.stop === seen[0]) break;
    assert.ok(at.isShown && at.isInView, `${page.url()}: the focus is seen at ${JSON.stringify(at)}`);
    if (at.stop >= 0) seen.push(at.stop);
  }
  const missed = await page.evaluate((seen) => window.stops.filter((_, stop) => !seen.includes(stop)).map(({ outerHTML }) => outerHTML.slice(0, 160)), seen);
  assert.deepEqual(missed, [], `${page.url()}: everything is reached`);
  assert.deepEqual(seen, Array.from({ length: count }, (_, stop) => stop), `${page.url()}: in the order of the page`);
}

/** Presses Tab until this has the focus. */
async function tabTo(page, element) {
  await element.waitFor();
  for (let press = 0; press < MANY; press += 1) {
    if (await element.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`${element} is not reached`);
}

async function pressOn(page, element) {
  await tabTo(page, element);
  await page.keyboard.press("Enter");
}

test("everything on all pages is reached, in order, and seen", async () => {
  const guest = await visitor(browser);
  const { page } = guest;
  await page.goto(`${world.endpoint}/console/in`);
  await walk(page);
  await enterByLink(page);
  await visitAll(page, async (page) => {
    await unfold(page);
    await walk(page);
  });
  unharmed(guest);
});

test("the first stop leads past the navigation", async () => {
  const { page } = await visitor(browser);
  await enterByLink(page);
  await page.keyboard.press("Tab");
  const skip = page.getByRole("link", { name: "Skip to the content" });
  const { left, top, isThere } = await skip.evaluate((skip) => ({ ...skip.getBoundingClientRect().toJSON(), isThere: skip === document.activeElement }));
  assert.ok(isThere && left >= 0 && top >= 0, "it is seen");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.ok(await page.evaluate(() => document.querySelector("main").contains(document.activeElement)));
});

test("a login is revoked from the link in the terminal to the notice", async () => {
  const { page } = await visitor(browser);
  await page.goto(link());
  const [id] = live();
  const open = page.getByRole("button", { name: "Open the console" });
  assert.ok(await open.evaluate((button) => button === document.activeElement), "the button waits for Enter");
  await page.keyboard.press("Enter");
  await pressOn(page, page.getByRole("link", { name: "Logins", exact: true }));
  await pressOn(page, page.getByRole("link", { name: `Revoke login ${id}`, exact: true }));
  await page.getByRole("heading", { name: `Revoke login ${id}?` }).waitFor();
  // Thinking twice.
  await pressOn(page, page.getByRole("link", { name: "Cancel" }));
  await page.getByRole("heading", { level: 1, name: "Logins" }).waitFor();
  assert.ok(live().includes(id));
  await pressOn(page, page.getByRole("link", { name: `Revoke login ${id}`, exact: true }));
  await pressOn(page, page.getByRole("button", { name: `Revoke login ${id}` }));
  await page.getByRole("status").getByText("The login was revoked").waitFor();
  assert.ok(!live().includes(id));
  await pressOn(page, page.locator("summary", { hasText: "Root key" }));
  await pressOn(page, page.getByRole("button", { name: "Sign out", exact: true }));
  await page.getByRole("heading", { name: "Signed out" }).waitFor();
});

test("typing filters the logins", async () => {
  const { page } = await visitor(browser);
  await enterByLink(page);
  await pressOn(page, page.getByRole("link", { name: "Logins", exact: true }));
  const table = page.getByRole("table", { name: "Registry logins" });
  await table.waitFor();
  await tabTo(page, page.getByLabel("Filter"));
  await page.keyboard.type("acme/web");
  assert.equal(await table.locator("tbody tr:visible").count(), 1);
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.press("Delete");
  assert.ok((await table.locator("tbody tr:visible").count()) > 1);
});
