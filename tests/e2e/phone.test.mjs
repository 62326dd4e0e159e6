// A phone: the drill's first step by touch alone.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { commandLine, log, seePod, speed, step, stepDone, until } from "./desk.mjs";
import { clean, playground } from "./harness.mjs";

const PHONE = { width: 390, height: 844, touch: true, context: { isMobile: true, deviceScaleFactor: 2 } };

/** Nothing sticks out at the side. */
async function fits(page) {
  const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= window, `${wide} px wide on ${window}`);
}

describe("on a phone", { concurrency: 2 }, () => {
  const site = playground();

  test("the first step is done by touch", async () => {
    const page = await site.open({ ...PHONE, query: { lesson: "kubelet-stopped" } });
    const sheet = (name) => page.getByRole("button", { name, exact: true }).tap();
    await fits(page);
    await speed(page, "5×");
    await sheet("Lesson");
    const first = step(page, "create-pod");
    await first.getByRole("button", { name: "Do it" }).tap();
    await seePod(page, /^nginx-pod, running/);
    await sheet("Lesson");
    await stepDone(page, "create-pod");
    await fits(page);
    await page.locator("#stage").getByRole("button", { name: /^nginx-pod, / }).tap();
    await page.getByRole("heading", { name: /nginx-pod/ }).waitFor();
    clean(page);
    await page.context().close();
  });

  test("the key row stands in for the keys a phone lacks", async () => {
    const page = await site.open({ ...PHONE, query: { lesson: "kubelet-stopped" } });
    await page.getByRole("button", { name: "Terminal", exact: true }).tap();
    const keys = page.getByRole("toolbar", { name: "Terminal" });
    const key = (name) => keys.getByRole("button", { name, exact: true }).tap();
    const line = commandLine(page);
    await line.tap();
    await page.keyboard.insertText("ls");
    await key("|");
    await page.keyboard.insertText("wc ");
    await key("-");
    await page.keyboard.insertText("l");
    assert.equal(await line.inputValue(), "ls | wc -l");
    await key("⏎");
    await until("one file", async () => (await log(page)).at(-1) === "1");
    await key("↑");
    assert.equal(await line.inputValue(), "ls | wc -l");
    await key("Ctrl-C");
    assert.equal(await line.inputValue(), "");
    await fits(page);
    clean(page);
    await page.context().close();
  });
});
