// The pages show the figures of the API.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { open, visitor } from "./browser.mjs";
import { rows } from "./pages.mjs";
import { enterByLink, lightsail, place, told, world } from "./server.mjs";

let browser;
let page;
before(async () => {
  browser = await open();
  ({ page } = await visitor(browser, { javaScriptEnabled: false }));
  await enterByLink(page);
});
after(() => browser.close());

/** A moment of the API's, to the second, as people read it. */
const people = (moment) => new Date(moment).toISOString().replace("T", " ").slice(0, 16);
const moments = (page, label) =>
  page.locator(`td[data-label="${label}"]`).evaluateAll((cells) => cells.map((cell) => cell.querySelector("time")?.dateTime ?? null));
const seconds = (moment) => (moment === undefined || moment === null ? null : Math.floor(Date.parse(moment) / 1000));

test("services", async () => {
  await page.goto(`${place()}/services`);
  const shown = await rows(page.getByRole("table", { name: "Container services" }));
  const { containerServices } = lightsail("get-container-services");
  assert.equal(containerServices.length, 2);
  const expected = containerServices.map(({ containerServiceName: name, state }) => {
    const { containerImages } = lightsail("get-container-images", "--service-name", name);
    return { name, state: state.toLowerCase(), images: `${containerImages.length}` };
  });
  const of = ({ Service, State, Images }) => ({ name: Service, state: State, images: Images });
  const byName = (one, other) => one.name.localeCompare(other.name);
  assert.deepEqual(shown.map(of).sort(byName), expected.sort(byName));
});

test("images of a service", async () => {
  for (const service of ["web", "shop"]) {
    await page.goto(`${place()}/services/${service}`);
    const shown = await rows(page.getByRole("table", { name: "Registered images" }));
    const { containerImages } = lightsail("get-container-images", "--service-name", service);
    assert.equal(containerImages.length, 2);
    assert.deepEqual(
      shown.map(({ Image, Digest }) => [Image, Digest]),
      containerImages.map(({ image, digest }) => [image, digest]),
    );
    assert.deepEqual((await moments(page, "Registered")).map(seconds), containerImages.map(({ createdAt }) => seconds(createdAt)));
    for (const [at, { createdAt }] of containerImages.entries()) {
      assert.ok(shown[at].Registered.startsWith(people(createdAt)), shown[at].Registered);
    }
  }
});

test("logins", async () => {
  await page.goto(`${place()}/logins`);
  const shown = await rows(page.getByRole("table", { name: "Registry logins" }));
  const { registryLogins } = told("registry-login", "list");
  const byId = new Map(registryLogins.map((login) => [login.id, login]));
  assert.deepEqual(shown.map(({ Login }) => Login).sort(), [...byId.keys()].sort());
  const states = shown.map(({ State }) => State);
  assert.ok(states.lastIndexOf("active") < states.indexOf("revoked"), `live ones come first: ${states}`);
  const [made, ends, used, pushed] = await Promise.all(["Made", "Ends", "Last used", "Last push"].map((label) => moments(page, label)));
  for (const [at, row] of shown.entries()) {
    const login = byId.get(row.Login);
    assert.equal(row.State, login.status.toLowerCase());
    const maker = login.roleName ? `role ${login.roleName}` : login.accessKeyId;
    assert.equal(row["Made by"].split("\n")[0], maker);
    if (login.roleName) assert.match(row["Made by"], /acme\/web/);
    const { scope } = login;
    const kind = scope.length > 1 || scope[0] === "DELETE" || (scope[0] === "PULL" && !login.serviceName) ? "operator" : scope[0].toLowerCase();
    assert.equal(row.Kind.split("\n")[0], kind);
    assert.equal(seconds(made[at]), seconds(login.createdAt));
    assert.equal(seconds(ends[at]), seconds(login.expiresAt));
    assert.equal(seconds(used[at]), seconds(login.lastUsedAt));
    assert.equal(seconds(pushed[at]), seconds(login.lastPushAt));
    assert.equal(row.From, login.lastPushAddress ?? "");
  }
  const kinds = new Set(shown.map(({ Kind }) => Kind.split("\n")[0]));
  assert.deepEqual([...kinds].sort(), ["operator", "pull", "push"]);
  assert.ok(shown.some((row) => row["Last push"] !== "never") && shown.some((row) => row["Last push"] === "never"));
});

test("access keys", async () => {
  await page.goto(`${place()}/access-keys`);
  const shown = await rows(page.getByRole("table", { name: "Access keys" }));
  const { accessKeys } = told("access-key", "list");
  assert.ok(accessKeys.length >= 4);
  const byId = new Map(accessKeys.map((key) => [key.accessKeyId, key]));
  assert.deepEqual(shown.map(({ Key }) => Key).sort(), [...byId.keys()].sort());
  const [made, used] = await Promise.all(["Made", "Last used"].map((label) => moments(page, label)));
  for (const [at, row] of shown.entries()) {
    const key = byId.get(row.Key);
    assert.equal(row.For, key.description ?? "");
    assert.equal(seconds(made[at]), seconds(key.createdAt));
    // Requesting the list uses the key once more.
    const later = (seconds(key.lastUsedAt) ?? 0) - (seconds(used[at]) ?? 0);
    assert.ok(later >= 0 && later <= 10, `${row.Key}: ${used[at]} and then ${key.lastUsedAt}`);
  }
});

test("roles", async () => {
  await page.goto(`${place()}/roles`);
  const shown = await rows(page.getByRole("table", { name: "Roles" }));
  const { roles } = told("role", "list");
  assert.deepEqual(shown.map(({ Role }) => Role), roles.map(({ roleName }) => roleName));
  assert.deepEqual((await moments(page, "Last used")).map(seconds), roles.map(({ lastUsedAt }) => seconds(lastUsedAt)));
});

test("what was pushed is where it was pushed", async () => {
  await page.goto(`${place()}/repositories`);
  const shown = await rows(page.getByRole("table", { name: "Repositories" }));
  assert.deepEqual(shown.map(({ Repository }) => Repository), ["sr"]);
  await page.getByRole("link", { name: "sr", exact: true }).click();
  const manifests = await rows(page.getByRole("table", { name: "Manifests" }));
  const tagged = Object.fromEntries(manifests.filter(({ Tags }) => Tags).map(({ Tags, Digest }) => [Tags, Digest]));
  assert.deepEqual(Object.keys(tagged).sort(), Object.keys(world.pushed).sort());
  assert.deepEqual(tagged, world.pushed);
});
