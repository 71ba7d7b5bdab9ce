// Attacks from pages of other sites. One of the sites is another port of this machine, which also gets the cookie.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import test, { after, before } from "node:test";

import { INSECURE, OTHER_SITE, open, unharmed, visitor } from "./browser.mjs";
import { enterByKey, enterByLink, link, live, place, world } from "./server.mjs";

let browser;
let attacker;
let port;
const seen = [];
const pages = new Map();

before(async () => {
  browser = await open();
  attacker = createServer((request, response) => {
    seen.push(`${request.url} ${JSON.stringify(request.headers)}`);
    response.setHeader("content-type", "text/html").end(pages.get(request.url.slice(1)) ?? "");
  });
  await new Promise((listens) => { attacker.listen(0, "127.0.0.1", listens); });
  ({ port } = attacker.address());
});
after(async () => {
  await browser.close();
  attacker.close();
  attacker.closeAllConnections();
});

/** Has the other server answer with this, and returns the address: of another site, or of this machine. */
function put(name, html, host = OTHER_SITE) {
  pages.set(name, `<!doctype html><title>elsewhere</title>${html}`);
  return `http://${host}:${port}/${name}`;
}

const form = (action, fields = {}) =>
  `<form method=post action="${action}">${Object.entries(fields).map(([name, value]) => `<input name="${name}" value="${value}">`).join("")}</form><script>document.forms[0].submit()</script>`;

const hosts = [OTHER_SITE, "127.0.0.1"];

test("no page stands in a frame of another", async () => {
  for (const host of hosts) {
    const guest = await visitor(browser);
    await enterByLink(guest.page);
    for (const [at, path] of ["/console/in", `${new URL(place()).pathname}/logins`].entries()) {
      await guest.page.goto(put(`frame${at}`, `<iframe src="${world.endpoint}${path}"></iframe>`, host));
      const frame = guest.page.frames()[1];
      await frame.waitForLoadState().catch(() => {});
      assert.ok(!(await frame.content()).includes("Gangplank"), `${host} ${path}`);
    }
    assert.ok(guest.faults.some((fault) => fault.includes("frame-ancestors")), `the browser says why: ${guest.faults}`);
  }
});

test("a form of another site does nothing", async () => {
  for (const host of hosts) {
    const guest = await visitor(browser);
    const { page } = guest;
    await enterByLink(page);
    const before = live();
    assert.ok(before.length > 0);
    const targets = [`${place()}/logins/revoke?id=${before[0]}`, `${place()}/logins/revoke-all?key=${world.machine.id}`, `${world.endpoint}/console/out/everywhere`];
    for (const [at, action] of targets.entries()) {
      await page.goto(put(`form${at}`, form(action), host));
      await page.getByRole("heading", { name: "Not from here" }).waitFor();
      await page.getByText("nothing was done").waitFor();
    }
    // The script of a page sends the same requests, as far as browsers allow that.
    await page.goto(put("script", "", host));
    const statuses = await page.evaluate(async (targets) => {
      const ends = [];
      for (const target of targets) {
        for (const mode of ["no-cors", "cors"]) {
          ends.push(await fetch(target, { method: "POST", mode, credentials: "include" }).then(({ type }) => type, () => "refused"));
        }
      }
      return ends;
    }, targets);
    for (const [at, end] of statuses.entries()) {
      assert.ok(["opaque", "refused"].includes(end), `${targets[at >> 1]}: ${end}`);
    }
    assert.deepEqual(live(), before, host);
    await page.goto(`${place()}/logins`);
    await page.getByRole("heading", { level: 1, name: "Logins" }).waitFor();
  }
});

test("nobody is signed in as somebody else by another site", async () => {
  const { context, page } = await visitor(browser);
  const own = { "key-id": world.machine.id, secret: world.machine.secret };
  for (const fields of [own, { link: new URL(link()).searchParams.get("t") }]) {
    await page.goto(put("in", form(`${world.endpoint}/console/in`, fields)));
    await page.getByRole("heading", { name: "Not from here" }).waitFor();
    assert.deepEqual(await context.cookies(world.endpoint), []);
  }
});

test("a link of another site leads to the page, for whoever is signed in", async () => {
  const { page } = await visitor(browser);
  await enterByLink(page);
  const there = `${place()}/logins`;
  await page.goto(put("link", `<a href="${there}">there</a>`));
  await page.getByRole("link", { name: "there" }).click();
  await page.getByRole("heading", { level: 1, name: "Logins" }).waitFor();
  assert.equal(page.url(), there);
});

test("no other site can read a page, or hears from where one comes", async () => {
  const { page } = await visitor(browser);
  await enterByLink(page);
  await page.goto(put("reader", "", "127.0.0.1"));
  const read = (url, kind) =>
    page.evaluate(([url, kind]) => new Promise((ends) => {
      const element = document.createElement(kind);
      element.onload = () => ends("loaded");
      element.onerror = () => ends("refused");
      element.src = url;
      document.body.append(element);
    }), [url, kind]);
  assert.equal(await read(`${place()}/logins`, "script"), "refused");
  assert.equal(await read(`${place()}/logins`, "img"), "refused");
  const fetched = await page.evaluate((url) => fetch(url, { credentials: "include" }).then(() => "read", () => "refused"), `${place()}/logins`);
  assert.equal(fetched, "refused");
  const opened = await page.evaluate((url) => {
    const other = window.open(url);
    return new Promise((ends) => { setTimeout(() => ends(other === null || other.closed), 1500); });
  }, `${place()}/logins`);
  assert.ok(opened, "what another site opens is out of its hands");
  // A link from the console to another site does not tell that site the address of the page.
  await page.goto(`${place()}/logins`);
  seen.length = 0;
  await page.evaluate((url) => { const link = document.createElement("a"); link.href = url; document.body.append(link); link.click(); }, put("away", ""));
  await page.waitForURL(/away/);
  const arrived = seen.filter((request) => request.startsWith("/away "));
  assert.ok(arrived.length > 0 && arrived.every((request) => !request.includes("referer")), `${arrived}`);
});

test("text of others is text", async () => {
  const guest = await visitor(browser);
  const { page } = guest;
  await enterByLink(page);
  const evil = encodeURIComponent(world.evil);
  for (const path of [`services/${evil}`, `services/web?container=${evil}`, `services/web/delete-image?image=${evil}`, `logins/revoke?id=${evil}`, `logins/revoke-all?role=${evil}`, `logins?after=${evil}`, `logins?done=${evil}&n=${evil}`, evil]) {
    await page.goto(`${place()}/${path}`);
    assert.equal(await page.evaluate(() => window.ran), undefined, path);
    assert.equal(await page.locator("main img, main script").count(), 0, path);
  }
  await page.goto(`${place()}/logins/revoke?id=${evil}`);
  await page.getByRole("heading", { level: 1, name: world.evil }).waitFor();
  // An injected script would not run.
  const blocked = await page.evaluate(() => new Promise((ends) => {
    document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => ends(effectiveDirective));
    const image = document.createElement("div");
    image.innerHTML = "<img src=x onerror='window.ran=true'>";
    document.body.append(image);
  }));
  assert.match(blocked, /^script-src-attr$|^img-src$/);
  assert.equal(await page.evaluate(() => window.ran), undefined);
  unharmed(guest, /status of 40[034]/, /Content Security Policy|CSP:/);
});

test("over plain HTTP by a name, forms are taken by their origin, and text is selected to be copied", async () => {
  const origin = world.endpoint.replace("127.0.0.1", INSECURE);
  const guest = await visitor(browser);
  const { page, context } = guest;
  await enterByKey(page, world.root, origin);
  await page.getByRole("heading", { level: 1, name: "Services" }).waitFor();
  assert.equal(await page.evaluate(() => window.isSecureContext), false);
  const [cookie] = await context.cookies(origin);
  assert.deepEqual([cookie.name, cookie.httpOnly, cookie.sameSite], ["gangplank-plain", true, "Strict"]);
  const [id] = live();
  const posted = page.waitForRequest((request) => request.method() === "POST" && request.url().includes("revoke"));
  await page.goto(`${place(origin)}/logins/revoke?id=${id}`);
  await page.getByRole("button", { name: `Revoke login ${id}` }).click();
  await page.getByRole("status").getByText("The login was revoked").waitFor();
  const headers = await (await posted).allHeaders();
  assert.deepEqual([headers["sec-fetch-site"], headers.origin], [undefined, origin], "what this trial is about");
  assert.ok(!live().includes(id));

  await page.goto(`${place(origin)}/services`);
  await page.locator("summary", { hasText: "How to push" }).click();
  const button = page.getByRole("button", { name: /Push an image/ });
  assert.equal(await button.textContent(), "Select");
  await button.click();
  const selected = await page.evaluate(() => getSelection().toString());
  assert.ok(selected.includes(`docker push ${INSECURE}:`), selected);
  unharmed(guest, /Cross-Origin-Opener-Policy header has been ignored/);

  // Then a page of another site, with another Origin or none.
  const [next] = live();
  for (const html of [form(`${place(origin)}/logins/revoke?id=${next}`), `<meta name=referrer content=no-referrer>${form(`${place(origin)}/logins/revoke?id=${next}`)}`]) {
    await page.goto(put("insecure", html, INSECURE));
    await page.getByText("nothing was done").waitFor();
  }
  assert.ok(live().includes(next));
});
