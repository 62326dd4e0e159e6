// Everyone can use it: axe-core finds nothing at the moments where the page looks different.

import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { commandLine, run, seePod, speed, submit, tab, until, words } from "./desk.mjs";
import { axe, clean, playground } from "./harness.mjs";

const LOOKS = [
  { lang: "en", theme: "light" },
  { lang: "ko", theme: "dark" },
  { lang: "en", theme: "dark" },
  { lang: "ko", theme: "light" },
];
const LESSON = { lesson: "kubelet-stopped" };
const PHONE = { width: 390, height: 844, touch: true };
const EMBED = { width: 720, height: 480, query: { ...LESSON, embed: "1" } };

describe("axe-core finds nothing", { concurrency: 2 }, () => {
  const site = playground();

  for (const [i, look] of LOOKS.entries()) {
    test(`in the lesson, the inspector and the dialogs: ${look.lang}, ${look.theme}`, async () => {
      const page = await site.open({ ...look, query: LESSON });
      const say = await words(page);
      await speed(page, "5×");
      await run(page, "kubectl create -f nginx-pod.yaml");
      await seePod(page, /^nginx-pod, .*\(Running\)/);
      await page.locator("#stage").getByRole("button", { name: /^nginx-pod, / }).click();
      const inspector = page.getByRole("complementary", { name: say.inspector });
      // Each look examines the facets that another one does not: all are seen twice.
      const facets = await inspector.getByRole("tab").all();
      assert.equal(facets.length, 4);
      for (const facet of facets.filter((_, n) => n % 2 === i % 2)) {
        await facet.click();
        await axe(page, "#inspector");
      }
      await page.getByRole("button", { name: say.menu }).click();
      await page.getByRole("button", { name: say.share }).first().click();
      await page.getByRole("dialog").waitFor();
      await axe(page);
      clean(page);
      await page.context().close();
    });

    // Colours depend on the theme, words on the language: two looks see both of each.
    if (i >= 2) continue;
    test(`on a phone and embedded: ${look.lang}, ${look.theme}`, async () => {
      const phone = await site.open({ ...look, ...PHONE, query: LESSON });
      const say = await words(phone);
      await axe(phone);
      await phone.getByRole("button", { name: say.lesson, exact: true }).tap();
      await axe(phone);
      clean(phone);
      await phone.context().close();
      const embedded = await site.open({ ...look, ...EMBED });
      await axe(embedded);
      clean(embedded);
      await embedded.context().close();
    });
  }

  test("while packets move", async () => {
    const page = await site.open({ motion: true, query: LESSON });
    await page.getByRole("button", { name: "Follow" }).click();
    await submit(page, "kubectl get pods -A");
    await until("a packet", async () => (await page.locator("#stage .packet").count()) > 0);
    await axe(page);
    assert.ok(await page.locator("#stage .caption").count(), "a caption says what travels");
    clean(page);
    await page.context().close();
  });

  test("the keyboard reaches every part and is trapped in none", async () => {
    const page = await site.open({ query: LESSON });
    await commandLine(page).focus();
    await page.keyboard.press("Shift+Tab");
    assert.equal(await page.evaluate(() => document.activeElement.id === "cli"), false);
    await tab(page, "w1-k8s").focus();
    await page.keyboard.press("Enter");
    await until("its terminal", async () => (await tab(page, "w1-k8s").getAttribute("aria-selected")) === "true");
    await page.locator("#stage").getByRole("button", { name: /^m-k8s 192/ }).focus();
    await page.keyboard.press("Enter");
    const inspector = page.getByRole("complementary", { name: "Inspector" });
    await inspector.getByRole("heading", { name: /m-k8s/ }).waitFor();
    await inspector.getByRole("button", { name: "Close" }).press("Enter");
    await inspector.waitFor({ state: "detached" });
    clean(page);
    await page.context().close();
  });
});
