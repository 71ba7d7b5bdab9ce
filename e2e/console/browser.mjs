// Chromium, and the things that a page must never do.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.GANGPLANK_BROWSER}/`);
const { chromium } = require("playwright-core");
const { AxeBuilder } = require("@axe-core/playwright");

// One name stands for this machine and is no secure origin for a browser. The other name is another site.
export const INSECURE = "lan.test";
export const OTHER_SITE = "evil.test";

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
  `--host-resolver-rules=MAP ${INSECURE} 127.0.0.1, MAP ${OTHER_SITE} 127.0.0.1`,
];

// The rules of axe: all levels that laws require, and those that its makers recommend.
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

export const open = () => chromium.launch({ executablePath: process.env.GANGPLANK_CHROMIUM, args: FLAGS });

/** A browser of somebody's own: no cookie, and a list of what went wrong in it. */
export async function visitor(browser, options = {}) {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  context.setDefaultTimeout(20_000);
  const faults = [];
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      console.error(`CSP: ${event.effectiveDirective} ${event.blockedURI} in ${document.URL}`);
    });
  });
  context.on("page", (page) => {
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) faults.push(`${page.url()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => faults.push(`${page.url()}: ${error}`));
    page.on("dialog", (dialog) => {
      faults.push(`${page.url()}: a dialog, ${dialog.message()}`);
      return dialog.dismiss();
    });
  });
  return { context, faults, page: await context.newPage() };
}

/** Holds that nothing went wrong but what `expected` names: a browser counts each refusal as an error. */
export function unharmed({ faults }, ...expected) {
  const found = faults.filter((fault) => !expected.some((pattern) => pattern.test(fault)));
  assert.deepEqual(found, []);
}

/** Holds that everybody can use a page, by day and by night. */
export async function accessible(page) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    const axe = new AxeBuilder({ page }).setLegacyMode().withTags(RULES);
    const { violations, passes } = await axe.analyze();
    assert.ok(passes.some(({ id }) => id === "color-contrast"), "contrast was looked at");
    const found = violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(({ html, any }) => [html, any[0]?.message]) }));
    assert.deepEqual(found, [], `${page.url()} ${colorScheme}: ${JSON.stringify(found, null, 1)}`);
  }
}

/** Shows what stands behind each summary too. */
export const unfold = (page) =>
  page.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
