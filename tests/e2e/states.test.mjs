// The page in its rarer states: axe finds nothing in them, nothing of the picture covers another part of
// it, and what they offer works by keyboard alone.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { commandLine, goTo, part, prompt, run, seePod, speed, tab, until, words } from "./desk.mjs";
import { axe, clean, playground } from "./harness.mjs";

const WIDE = { lang: "en", theme: "light" };
const PHONE = { lang: "ko", theme: "dark", width: 390, height: 844, touch: true };

/** The tab strip's sheet, on a phone. */
async function sheet(page, n) {
  const button = page.locator(".sheet-tabs button").nth(n);
  if (await button.isVisible()) await button.tap();
}

/** Names of the parts whose letters stick out of their boxes, or boxes that overlap. */
function crowdedParts() {
  const bad = [];
  for (const machine of document.querySelectorAll("#stage .machine:not(.tile)")) {
    const boxes = [...machine.querySelectorAll(".part")].map((p) => [p.querySelector("title").textContent, p.querySelector(".chip").getBoundingClientRect(), p.querySelector(".part-name").getBoundingClientRect()]);
    boxes.forEach(([name, box, text], i) => {
      if (text.left < box.left || text.right > box.right) bad.push(`${name}: ${Math.round(text.width)} in ${Math.round(box.width)}`);
      for (const [other, b] of boxes.slice(i + 1)) {
        if (box.left < b.right && b.left < box.right && box.top < b.bottom && b.top < box.bottom) bad.push(`${name} over ${other}`);
      }
    });
  }
  return bad;
}

describe("rarer states", { concurrency: 2 }, () => {
  const site = playground();

  for (const look of [WIDE, PHONE]) {
    const where = look.width ? "phone, ko" : "desktop, en";

    test(`help is a key away, explains the picture, and gives the focus back: ${where}`, async () => {
      const page = await site.open(look);
      const ko = look.lang === "ko";
      await page.keyboard.press("?");
      const help = page.getByRole("dialog", { name: ko ? "도움말" : "Help" });
      await help.waitFor();
      for (const said of ko ? ["종료 중", "API 서버", "타임라인에서: 시간 이동"] : ["terminating", "API server", "on the timeline: go through time"]) {
        assert.ok(await help.getByText(said, { exact: true }).count(), said);
      }
      await axe(page);
      const [inside, window] = await page.evaluate(() => [document.querySelector("#help").getBoundingClientRect().right, innerWidth]);
      assert.ok(inside <= window, `${inside} of ${window}`);
      await page.keyboard.press("Escape");
      await help.waitFor({ state: "detached" });
      // In the terminal it is a character like others.
      await sheet(page, 1);
      await commandLine(page).focus();
      await page.keyboard.type("echo a?");
      assert.equal(await help.count(), 0);
      assert.equal(await commandLine(page).inputValue(), "echo a?");
      clean(page);
      await page.context().close();
    });

    test(`three control planes: the shared address moves when its holder dies: ${where}`, async () => {
      const page = await site.open({ ...look, query: { masters: "3" } });
      const say = await words(page);
      const address = (name) => page.getByRole("img", { name: new RegExp(`: ${name}$`) });
      await address("m-k8s").waitFor();
      assert.deepEqual(await page.evaluate(crowdedParts), []);
      await axe(page);
      await page.locator("#stage").getByRole("button", { name: /^m-k8s 192/ }).press("Enter");
      await page.locator("#inspector").getByRole("button", { name: /Pull the plug|전원 뽑기/ }).click();
      await speed(page, "5×");
      await address("m2-k8s").waitFor();
      assert.deepEqual(await page.evaluate(crowdedParts), []);
      await part(page, look.lang === "ko" ? `m-k8s API 서버, ${say.notRunning}` : `m-k8s API server, ${say.notRunning}`).waitFor();
      await axe(page);
      await sheet(page, 1);
      await goTo(page, "m2-k8s");
      await speed(page, "1×");
      assert.match(await run(page, "kubectl get nodes m3-k8s"), /m3-k8s +Ready/);
      clean(page);
      await page.context().close();
    });
  }

  test("users come in through a Service, and are told so while there is none", async () => {
    const page = await site.open({ motion: true });
    const users = page.locator("#stage").getByRole("button", { name: /^Users/ });
    await users.press("Enter");
    const none = page.getByRole("alert").filter({ hasText: "--type=NodePort" });
    await none.waitFor();
    await axe(page);
    await none.getByRole("button", { name: "Close" }).click();
    await speed(page, "5×");
    await run(page, "kubectl create deployment web --image=nginx");
    await seePod(page, /^web-.*\(Running\)/);
    await run(page, "kubectl expose deployment web --port=80 --type=NodePort");
    await speed(page, "1×");
    await users.press("Enter");
    await until("the host's terminal", async () => (await tab(page, "host").getAttribute("aria-selected")) === "true");
    await prompt(page);
    assert.match(await page.locator("#terminal").getByRole("log").textContent(), /curl -s -m 3 http:\/\/192[\s\S]*<!DOCTYPE html>/);
    clean(page);
    await page.context().close();
  });

  test("half-way through vagrant up, without power, and with nine workers", async () => {
    const page = await site.open({ ...PHONE, query: { workers: "9" } });
    await axe(page);
    const wide = await site.open({ lang: "ko", theme: "light", query: { workers: "9" } });
    assert.deepEqual(await wide.evaluate(crowdedParts), []);
    await axe(wide);
    await page.context().close();
    await wide.context().close();
    const lab = await site.open(WIDE);
    await lab.locator("#stage").getByRole("button", { name: /^w2-k8s 192/ }).press("Enter");
    await lab.locator("#inspector").getByRole("button", { name: "Pull the plug" }).click();
    await lab.locator("#stage").getByRole("button", { name: /^w2-k8s .*powered off/ }).waitFor();
    await axe(lab);
    await speed(lab, "60×");
    await goTo(lab, "host");
    for (const line of ["cd lab", "vagrant destroy -f"]) {
      await commandLine(lab).fill(line);
      await commandLine(lab).press("Enter");
    }
    await lab.locator("#stage").getByRole("button", { name: /^m-k8s .*no such machine yet/ }).waitFor({ timeout: 30_000 });
    await prompt(lab, 30_000);
    // Slower, so that half-way is there long enough to be looked at.
    await speed(lab, "20×");
    await commandLine(lab).fill("vagrant up");
    await commandLine(lab).press("Enter");
    await lab.locator("#stage").getByRole("button", { name: /^m-k8s .*runs (config|install_pkg|master_node)/ }).waitFor({ timeout: 60_000 });
    await axe(lab);
    clean(lab);
    await lab.context().close();
  });
});
