// Signing in with a link and a key, and all ways of signing out.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { accessible, open, unharmed, visitor } from "./browser.mjs";
import { enterByKey, enterByLink, gangplank, link, place, world } from "./server.mjs";

const COOKIE = "gangplank-plain";

let browser;
before(async () => { browser = await open(); });
after(() => browser.close());

const cookies = ({ context }) => context.cookies(world.endpoint);
const isIn = async ({ page }) => {
  await page.goto(`${place()}/services`);
  return page.url() === `${place()}/services` && (await page.getByRole("navigation", { name: "Screens" }).count()) === 1;
};

test("a link is used by its button, once", async () => {
  const address = link();
  const first = await visitor(browser);
  // A link scanner, which opens links before people do.
  for (let look = 0; look < 3; look += 1) await first.page.goto(address);
  assert.deepEqual(await cookies(first), []);
  await first.page.getByRole("button", { name: "Open the console" }).click();
  await first.page.getByRole("heading", { level: 1, name: "Services" }).waitFor();
  assert.equal(first.page.url(), `${place()}/services`, "the link's secret is not in the address bar");
  unharmed(first);

  const second = await visitor(browser);
  await second.page.goto(address);
  await second.page.getByRole("button", { name: "Open the console" }).click();
  await second.page.getByText("This link was used already, or its minute is over").waitFor();
  assert.deepEqual(await cookies(second), []);
  unharmed(second, /status of 403/);
});

test("a key's id and secret open the page that was asked for", async () => {
  const guest = await visitor(browser);
  const { page } = guest;
  await page.goto(`${place()}/logins`);
  await page.getByLabel("Access key id").fill(world.machine.id);
  await page.getByLabel("Secret access key").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").getByText("There is no access key with this id and secret.").waitFor();
  assert.equal(await page.getByLabel("Access key id").inputValue(), world.machine.id);
  assert.equal(await page.getByLabel("Secret access key").inputValue(), "", "a secret is not handed back");
  await page.getByLabel("Secret access key").fill(world.machine.secret);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "Logins" }).waitFor();
  await page.getByText(`Access key ${world.machine.id}`).waitFor();
  unharmed(guest, /status of 403/);
});

test("the cookie is kept from scripts and from other sites, and nothing else is kept", async () => {
  const guest = await visitor(browser);
  await enterByLink(guest.page);
  const [cookie, ...others] = await cookies(guest);
  assert.deepEqual(others, []);
  const { name, httpOnly, sameSite, secure, path, domain, expires, value } = cookie;
  assert.deepEqual(
    { name, httpOnly, sameSite, secure, path, domain, expires },
    { name: COOKIE, httpOnly: true, sameSite: "Strict", secure: false, path: "/", domain: "127.0.0.1", expires: -1 },
  );
  const seen = await guest.page.evaluate(() => [document.cookie, localStorage.length, sessionStorage.length]);
  assert.deepEqual(seen, ["", 0, 0]);
  assert.ok(!(await guest.page.content()).includes(value));
  unharmed(guest);
});

test("a cookie that somebody planted is not taken over", async () => {
  const attacker = await visitor(browser);
  await enterByKey(attacker.page, world.machine);
  const [planted] = await cookies(attacker);
  const victim = await visitor(browser);
  await victim.context.addCookies([planted]);
  await victim.page.goto(link());
  await victim.page.getByRole("button", { name: "Open the console" }).click();
  await victim.page.getByText(`Root key ${world.root.id}`).waitFor();
  const [own] = await cookies(victim);
  assert.notEqual(own.value, planted.value);
  assert.equal(await isIn(attacker), false);
  assert.equal(await isIn(victim), true);
});

test("signing out ends this browser, or all of the key's", async () => {
  const guests = [];
  for (let count = 0; count < 3; count += 1) {
    const guest = await visitor(browser);
    await enterByKey(guest.page, world.machine);
    await guest.page.getByRole("heading", { level: 1, name: "Services" }).waitFor();
    guests.push(guest);
  }
  const [first, second, third] = guests;
  const root = await visitor(browser);
  await enterByLink(root.page);
  const leave = async ({ page }, button) => {
    await page.locator("summary", { hasText: world.machine.id }).click();
    await page.getByRole("button", { name: button, exact: true }).click();
    await page.getByRole("heading", { name: "Signed out" }).waitFor();
  };
  const [before] = await cookies(first);
  await leave(first, "Sign out");
  assert.deepEqual(await cookies(first), []);
  await first.context.addCookies([before]);
  assert.equal(await isIn(first), false, "the server has forgotten it, too");
  // Going back does not show an earlier page.
  await first.page.goBack().catch(() => {});
  assert.equal(await first.page.getByRole("navigation", { name: "Screens" }).count(), 0);
  assert.equal(await isIn(second), true);
  await leave(second, "Sign out everywhere");
  assert.equal(await isIn(third), false);
  assert.equal(await isIn(root), true, "another key's browser stays");
});

test("a disabled key ends with the next click", async () => {
  const guest = await visitor(browser);
  const { page } = guest;
  await enterByKey(page, world.spare);
  await page.getByRole("link", { name: "Logins", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Logins" }).waitFor();
  gangplank("access-key", "disable", world.spare.id);
  await page.getByRole("link", { name: "Services", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Signed out" }).waitFor();
  assert.deepEqual(await cookies(guest), []);
  gangplank("access-key", "enable", world.spare.id);
  assert.equal(await isIn(guest), false);
});

test("two tabs are one browser: what another account's page asks is not done", async () => {
  const { context, page } = await visitor(browser);
  await enterByLink(page);
  await page.getByRole("link", { name: "Logins", exact: true }).click();
  await page.getByRole("link", { name: /^Revoke login / }).first().click();
  const button = page.getByRole("button", { name: /^Revoke login / });
  const made = JSON.parse(gangplank("access-key", "create", "--account", "111122223333", "--output", "json"));
  const key = made.accessKey ?? made;
  const tab = await context.newPage();
  await enterByKey(tab, { id: key.accessKeyId, secret: key.secretAccessKey });
  await tab.getByText("111122223333").first().waitFor();
  await button.click();
  await page.getByText("Nothing was done").waitFor();
});

test("a key that a page made signs in, and its secret is seen once", async () => {
  const { page } = await visitor(browser);
  await enterByLink(page);
  await page.getByRole("link", { name: "Access keys", exact: true }).click();
  await page.getByRole("link", { name: "Make an access key" }).click();
  await accessible(page);
  await page.getByLabel("What it is for").fill("made in a browser");
  await page.getByRole("button", { name: "Make the key" }).click();
  await page.getByRole("status").getByText("The key was made").waitFor();
  await accessible(page);
  const value = (name) => page.locator(`dt:text-is("${name}") + dd code`).textContent();
  const key = { id: await value("Access key id"), secret: await value("Secret access key") };
  await page.getByRole("link", { name: "Done, I have the secret" }).click();
  await page.getByRole("rowheader", { name: key.id }).waitFor();
  assert.ok(!(await page.content()).includes(key.secret));
  await page.goBack().catch(() => {});
  assert.ok(!(await page.locator("body").innerText()).includes(key.secret), "it is not kept to go back to");

  const other = await visitor(browser);
  await enterByKey(other.page, key);
  await other.page.getByText(`Access key ${key.id}`).waitFor();
  // The key is disabled on a page, which signs that browser out.
  await page.goto(`${place()}/access-keys`);
  await page.getByRole("link", { name: `Disable ${key.id}` }).click();
  await accessible(page);
  await page.getByRole("button", { name: /^Disable/ }).click();
  await page.getByRole("heading", { level: 1, name: "Access keys" }).waitFor();
  assert.equal(await isIn(other), false);
});
