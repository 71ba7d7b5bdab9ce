// Over TLS, where the cookie is only for this host and only sent over TLS.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { accessible, open, unharmed, visitor } from "./browser.mjs";
import { enterByKey, world } from "./server.mjs";

let browser;
before(async () => { browser = await open(); });
after(() => browser.close());

test("signing in, looking around and signing out", async () => {
  const guest = await visitor(browser, { ignoreHTTPSErrors: true });
  const { page, context } = guest;
  await page.goto(world.endpoint);
  await page.waitForURL(/\/console\/in$/);
  await enterByKey(page, world.root);
  await page.getByRole("heading", { level: 1, name: "Services" }).waitFor();
  const [cookie, ...others] = await context.cookies();
  assert.deepEqual(others, []);
  const { name, secure, httpOnly, sameSite, path } = cookie;
  assert.deepEqual({ name, secure, httpOnly, sameSite, path }, { name: "__Host-gangplank", secure: true, httpOnly: true, sameSite: "Strict", path: "/" });
  assert.equal(await page.evaluate(() => document.cookie), "");
  await page.getByText("gangplank configure --endpoint-url https://127.0.0.1:").first().waitFor({ state: "attached" });
  await page.getByRole("link", { name: "Logins", exact: true }).click();
  await accessible(page);
  await page.locator("summary", { hasText: "Root key" }).click();
  await page.getByRole("button", { name: "Sign out everywhere" }).click();
  await page.getByRole("heading", { name: "Signed out" }).waitFor();
  assert.deepEqual(await context.cookies(), []);
  unharmed(guest);
});
