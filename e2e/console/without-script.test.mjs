// With scripts switched off, everything works except copying.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { open, visitor } from "./browser.mjs";
import { rows, visitAll } from "./pages.mjs";
import { enterByKey, enterByLink, lightsail, live, place, world } from "./server.mjs";

let browser;
before(async () => { browser = await open(); });
after(() => browser.close());

const withoutScript = () => visitor(browser, { javaScriptEnabled: false });

test("all pages say the same as with script", async () => {
  const off = await withoutScript();
  const on = await visitor(browser);
  await enterByLink(off.page);
  await enterByLink(on.page);
  // Changes that scripts may make: relative times, copy buttons and filter boxes.
  const said = (page) =>
    page.locator("main").evaluate((main) => {
      const copy = main.cloneNode(true);
      copy.querySelectorAll("button.copy, .filter, time").forEach((element) => element.remove());
      return copy.textContent.replace(/\s+/g, " ");
    });
  await visitAll(off.page, async (page, url) => {
    await on.page.goto(url);
    // Signing in and viewing pages change some lists and figures.
    if (!/\/(audit|health)\b/.test(url)) assert.equal(await said(page), await said(on.page), url);
    assert.equal(await page.locator("button.copy:visible, .filter:visible").count(), 0, `${url}: no button that does nothing`);
    for (const time of await page.locator("time").allTextContents()) assert.match(time, /^\d{4}-\d\d-\d\d \d\d:\d\d/, url);
  });
});

test("signing in, going to another region, revoking, deleting and signing out", async () => {
  const { page } = await withoutScript();
  await enterByKey(page, world.root);
  await page.getByRole("heading", { level: 1, name: "Services" }).waitFor();
  await page.getByLabel("Region").selectOption("eu-west-1");
  await page.getByRole("button", { name: "Go" }).click();
  await page.waitForURL(`${world.endpoint}/console/${world.account}/eu-west-1/services`);
  await page.getByLabel("Region").selectOption("us-east-1");
  await page.getByRole("button", { name: "Go" }).click();

  await page.getByRole("link", { name: "Logins", exact: true }).click();
  const [id] = live();
  await page.getByRole("link", { name: `Revoke login ${id}`, exact: true }).click();
  await page.getByRole("button", { name: `Revoke login ${id}` }).click();
  await page.getByRole("status").getByText("The login was revoked").waitFor();
  assert.ok(!live().includes(id));
  // All logins of a maker who has several.
  const all = page.getByRole("link", { name: `Revoke all logins of ${world.machine.id}` }).first();
  await all.click();
  await page.getByRole("button", { name: /^Revoke all/ }).click();
  await page.getByRole("status").getByText(/logins? (was|were) revoked/).waitFor();
  const left = (await rows(page.getByRole("table", { name: "Registry logins" }))).filter((row) => row.State === "active");
  assert.ok(left.every((row) => !row["Made by"].includes(world.machine.id)));

  await page.goto(`${place()}/services/web`);
  const images = () => lightsail("get-container-images", "--service-name", "web").containerImages.map(({ image }) => image);
  const [newest] = images();
  await page.getByRole("link", { name: `Delete ${newest}` }).click();
  await page.getByRole("button", { name: /^Delete/ }).click();
  await page.getByRole("status").getByText("The image was deleted.").waitFor();
  assert.ok(!images().includes(newest));
  await page.locator("summary", { hasText: "Root key" }).click();
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await page.getByRole("heading", { name: "Signed out" }).waitFor();
});

test("with script, what is shown is copied", async () => {
  const { context, page } = await visitor(browser, { permissions: ["clipboard-read", "clipboard-write"] });
  await enterByLink(page);
  await page.goto(`${place()}/services/web`);
  const [image] = lightsail("get-container-images", "--service-name", "web").containerImages;
  const copied = async (button) => {
    await button.click();
    await button.getByText("Copied").waitFor();
    return page.evaluate(() => navigator.clipboard.readText());
  };
  assert.equal(await copied(page.getByRole("button", { name: `Copy digest of ${image.image.replace(/^:/, "")}` }).or(page.getByRole("button", { name: `Copy digest of ${image.image}` }))), image.digest);
  const command = await copied(page.getByRole("button", { name: /Pull the newest image/ }));
  assert.equal(command, `docker pull ${new URL(world.endpoint).host}/web:${image.image.split(".").slice(1).join(".")}`);
  await context.close();
});
