// What every end-to-end test stands on: the built page, a real browser, and pages that keep an
// account of everything that went wrong in them.
//
//   const site = playground();
//   test("…", async () => {
//     await using page = await site.open({ lang: "ko", theme: "dark" });   // or page.close()
//     …
//     await clean(page);
//   });
//
// `cargo xtask test --only e2e` sets KUBEDRILL_CHROMIUM and KUBEDRILL_NODE_MODULES; by hand,
// `eval "$(cargo xtask env)"` does.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { serve } from "./server.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const DIST = process.env.KUBEDRILL_DIST ?? join(ROOT, "dist");

// The packages live in xtask's cache, not beside this file.
const modules = process.env.KUBEDRILL_NODE_MODULES;
const require = createRequire(modules ? join(modules, "_") : import.meta.url);

/** A real headless Chromium that asks nobody on the network for anything. */
export function launch() {
  const { chromium } = require("playwright-core");
  return chromium.launch({
    executablePath: process.env.KUBEDRILL_CHROMIUM ?? "/usr/bin/chromium",
    args: [
      // Containers and root have no sandbox to offer; the only page is our own.
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** Serves the page and starts a browser around the tests of one file. */
export function playground() {
  const site = {
    open: (options) => openPage(site, options),
  };
  before(async () => Object.assign(site, await start()));
  after(() => stop(site));
  return site;
}

/** The same without a test runner: for scripts that take pictures. */
export async function standalone() {
  const site = await start();
  site.open = (options) => openPage(site, options);
  site.close = () => stop(site);
  return site;
}

async function start() {
  assert.ok(existsSync(join(DIST, "index.html")), `no built page in ${DIST}: cargo xtask build`);
  return { server: await serve(DIST), browser: await launch() };
}

async function stop(site) {
  await site.browser?.close();
  await site.server?.close();
}

/**
 * A page with the playground started in it.
 *
 * `query` adds URL parameters; `started: false` leaves out the waiting. The page has
 * `problems`: whatever its console, scripts, policy or requests had to complain about.
 */
async function openPage(site, options = {}) {
  const { lang = "en", theme = "light", width = 1440, height = 900 } = options;
  const context = await site.browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    locale: lang === "ko" ? "ko-KR" : "en-GB",
    timezoneId: "Asia/Seoul",
    reducedMotion: options.motion ? "no-preference" : "reduce",
    hasTouch: options.touch ?? false,
    permissions: ["clipboard-read", "clipboard-write"],
    acceptDownloads: true,
    ...options.context,
  });
  // A learner does not wait longer, and a test that fails should say so soon.
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  page.problems = [];
  await keepAccount(page);
  const url = new URL(options.path ?? "", site.server.url);
  for (const [name, value] of Object.entries({ lang, theme, ...options.query })) {
    url.searchParams.set(name, value);
  }
  await page.goto(url.href);
  if (options.started ?? true) await started(page);
  page[Symbol.asyncDispose ?? Symbol.for("asyncDispose")] = () => context.close();
  return page;
}

/** Waits until the program runs, or fails with what the loading page says. */
export async function started(page) {
  const outcome = page.locator("html[data-started], [data-boot=failed]:not([hidden])");
  await outcome.first().waitFor({ state: "attached", timeout: 30_000 });
  const reason = page.locator("[data-boot=reason]:not([hidden])");
  if (await reason.count()) assert.fail(`the page did not start: ${await reason.innerText()}`);
}

async function keepAccount(page) {
  const note = (text) => page.problems.push(text);
  page.on("console", (message) => {
    // Tests are quicker than people: a call may need the program's second file before it has come.
    const hurry = /Synchronous XMLHttpRequest/.test(message.text());
    if (["error", "warning"].includes(message.type()) && !hurry) {
      note(`console ${message.type()}: ${message.text()}`);
    }
  });
  page.on("pageerror", (error) => note(`uncaught: ${error.message}`));
  page.on("requestfailed", (request) => {
    // The same hurry: the download that was under way gives way to one that is waited for; and a page
    // that is left no longer needs its icon.
    const hurry = /kubedrill-rest|\/icon-/.test(request.url()) && request.failure()?.errorText === "net::ERR_ABORTED";
    if (!hurry) note(`request failed: ${request.url()}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) note(`${response.status()}: ${response.url()}`);
  });
  await page.exposeFunction("kubedrillNotePolicy", note);
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      window.kubedrillNotePolicy(`policy ${event.violatedDirective}: ${event.blockedURI}`);
    });
  });
}

/** Asserts that nothing has gone wrong in the page so far. */
export function clean(page) {
  assert.deepEqual(page.problems, []);
}

/** Asserts that axe-core finds nothing to object to, on the whole page or within one part of it. */
export async function axe(page, within) {
  // Through the debugger, so the page's policy stays in force.
  const loaded = await page.evaluate(() => "axe" in window);
  if (!loaded) await page.evaluate(readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
  const { violations } = await page.evaluate((part) => window.axe.run(part ?? document), within);
  const found = violations.map(({ id, help, nodes }) => ({
    rule: `${id}: ${help}`,
    where: nodes.map((node) => `${node.target.join(" ")}  ${node.failureSummary}`),
  }));
  assert.deepEqual(found, []);
}
