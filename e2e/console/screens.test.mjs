// Every page, for every caller and in both colour schemes: without errors, and without running foreign scripts.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { accessible, open, unfold, unharmed, visitor } from "./browser.mjs";
import { screens, visitAll } from "./pages.mjs";
import { enterByLink, link, place, world } from "./server.mjs";

let browser;
before(async () => { browser = await open(); });
after(() => browser.close());

test("all pages that links lead to", async () => {
  const guest = await visitor(browser);
  const { page } = guest;
  await enterByLink(page);
  const texts = [];
  const visited = await visitAll(page, async (page, url) => {
    await unfold(page);
    await accessible(page);
    const harm = await page.evaluate(() => ({
      handlers: document.querySelectorAll("[onerror], [onload], [onclick], img:not([src^='/console/a/'])").length,
      scripts: document.scripts.length,
      links: [...document.links].filter(({ protocol }) => !/^https?:$/.test(protocol)).map(({ href }) => href),
      ran: window.ran === true,
    }));
    assert.deepEqual(harm, { handlers: 0, scripts: 1, links: [], ran: false }, url);
    const images = await page.locator("img").evaluateAll((images) => images.map(({ naturalWidth }) => naturalWidth > 0));
    assert.ok(images.every(Boolean), `${url}: its images are there`);
    texts.push(await page.locator("main").innerText());
    unharmed(guest);
  });
  console.log(`${visited.length} pages:\n${visited.join("\n")}`);
  assert.ok(visited.length >= (await screens(page)).length);
  assert.ok(texts.some((text) => text.includes(world.evil)), "what somebody made up is there as text");
  unharmed(guest);
});

test("pages that no link leads to", async () => {
  const guest = await visitor(browser);
  const { page } = guest;
  for (const url of [`${world.endpoint}/console/in`, link()]) {
    await page.goto(url);
    await accessible(page);
  }
  unharmed(guest);
  await page.goto(`${world.endpoint}/console/in`);
  await page.getByLabel("Access key id").fill("GPAKNOBODY");
  await page.getByLabel("Secret access key").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  await accessible(page);
  await enterByLink(page);
  for (const path of ["nothing", "services/none", "logins?done=revoked&n=2", "logins/revoke?id=99999"]) {
    await page.goto(`${place()}/${path}`);
    await accessible(page);
  }
  await page.goto(`${world.endpoint}/console/111122223333/us-east-1/services`);
  await accessible(page);
  // An empty region, whose pages explain the first steps.
  await page.goto(`${world.endpoint}/console/${world.account}/eu-west-1/services`);
  await page.getByText("There is no container service in this region yet").waitFor();
  await accessible(page);
  await page.locator("summary", { hasText: "Root key" }).click();
  await accessible(page);
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await page.getByRole("heading", { name: "Signed out" }).waitFor();
  await accessible(page);
  unharmed(guest, /status of 40[034]/);
});
