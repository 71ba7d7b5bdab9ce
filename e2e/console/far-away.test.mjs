// A browser that connects over plain HTTP from another machine, as a trusted proxy reports it.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { accessible, open, unharmed, visitor } from "./browser.mjs";
import { link, world } from "./server.mjs";

let browser;
before(async () => { browser = await open(); });
after(() => browser.close());

test("nobody signs in, and the page says why and what to do", async () => {
  const guest = await visitor(browser, { extraHTTPHeaders: { "x-forwarded-for": "192.0.2.7" } });
  const { page, context } = guest;
  for (const url of [`${world.endpoint}/console/in`, link()]) {
    await page.goto(url);
    await page.getByText("Signing in is closed over plain HTTP").waitFor();
    assert.equal(await page.locator("form").count(), 0, url);
    await accessible(page);
  }
  // A client can send the form although the page does not show it.
  const answer = await page.evaluate(async (key) => {
    const body = new URLSearchParams({ "key-id": key.id, secret: key.secret });
    const answer = await fetch("/console/in", { method: "POST", body });
    return [answer.status, (await answer.text()).includes("closed over plain HTTP")];
  }, world.root);
  assert.deepEqual(answer, [403, true]);
  assert.deepEqual(await context.cookies(world.endpoint), []);
  unharmed(guest, /status of 403/);
});
