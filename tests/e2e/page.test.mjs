// The page as such: it starts, nothing is wrong in it, and everyone can use it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { axe, clean, playground } from "./harness.mjs";

describe("the page", { concurrency: 2 }, () => {
  const site = playground();

  for (const lang of ["en", "ko"]) {
    for (const theme of ["light", "dark"]) {
      test(`starts and is accessible: ${lang}, ${theme}`, async () => {
        const page = await site.open({ lang, theme });
        assert.match(await page.title(), lang === "ko" ? /쿠브드릴/ : /Kubedrill/);
        assert.equal(await page.locator("html").getAttribute("lang"), lang);
        await axe(page);
        clean(page);
        await page.context().close();
      });
    }
  }

  test("runs under a strict policy", async () => {
    const page = await site.open();
    const policy = page.locator('meta[http-equiv="Content-Security-Policy"]');
    const text = await policy.getAttribute("content");
    assert.match(text, /script-src 'self' 'wasm-unsafe-eval';/);
    assert.doesNotMatch(text, /unsafe-inline|'unsafe-eval'/);
    const inline = await page.locator("script:not([src]), style").count();
    assert.equal(inline, 0);
    await page.context().close();
  });

  test("says so when it cannot start", async () => {
    const page = await site.open({ started: false, context: { javaScriptEnabled: true } });
    await page.route("**/*.wasm", (route) => route.abort());
    await page.reload();
    const notice = page.getByRole("alert");
    await notice.waitFor();
    assert.match(await notice.innerText(), /could not start/);
    await page.context().close();
  });
});
