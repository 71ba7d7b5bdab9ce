// Finds all pages by following links from the navigation, as people do.
import assert from "node:assert/strict";

import { place, world } from "./server.mjs";

// How many pages of one template are looked at.
const OF_A_KIND = 2;

/** The screens that the navigation shows: names and addresses. */
export async function screens(page) {
  const links = page.getByRole("navigation", { name: "Screens" }).getByRole("link");
  return links.evaluateAll((links) => links.map((link) => ({ name: link.textContent, url: link.href })));
}

/** Goes to each page that links lead to, and looks at it. Returns the addresses. */
export async function visitAll(page, look) {
  const shown = await screens(page);
  const queue = shown.map(({ url }) => url);
  const kinds = new Map();
  const visited = [];
  while (queue.length > 0) {
    const url = queue.shift();
    if (!isNew(kinds, url)) continue;
    if (!(await arrive(page, url))) continue;
    visited.push(url);
    const links = await page.locator("a[href]").evaluateAll((links) => links.map((link) => link.href));
    queue.push(...links.filter((link) => link.startsWith(`${place()}/`)).map((link) => link.split("#")[0]));
    await look(page, url);
  }
  for (const { url } of shown) assert.ok(visited.includes(url), `${url} was looked at`);
  return visited;
}

/** Goes to a page; to a file not, which has to be one to keep and not to show. */
async function arrive(page, url) {
  try {
    const answer = await page.goto(url);
    assert.equal(answer.status(), 200, url);
    return true;
  } catch (error) {
    if (!/Download is starting|ERR_ABORTED/.test(error.message)) throw error;
    const answer = await page.context().request.get(url);
    assert.match(answer.headers()["content-disposition"], /^attachment/, url);
    assert.equal(answer.headers()["x-content-type-options"], "nosniff", url);
    return false;
  }
}

function isNew(kinds, url) {
  const { pathname, searchParams } = new URL(url);
  const [screen, ...rest] = pathname.slice(new URL(place(world.endpoint)).pathname.length + 1).split("/");
  const kind = [screen, rest.length, rest[1] ?? "", ...new Set([...searchParams.keys()].sort())].join(" ");
  const seen = kinds.get(kind) ?? new Set();
  if (seen.has(url) || seen.size === OF_A_KIND) return false;
  kinds.set(kind, seen.add(url));
  return true;
}

/** The rows of a table: what stands under each heading. */
export const rows = (table) =>
  table.locator("tbody tr").evaluateAll((rows) =>
    rows.map((row) => Object.fromEntries([...row.cells].map((cell) => {
      const copied = cell.querySelector("[data-copy]");
      return [cell.dataset.label, copied ? copied.dataset.copy : cell.innerText.trim()];
    }))));
