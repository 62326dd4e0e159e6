// A session in a link: the same state elsewhere, and a clear word where the link is broken.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { log, pause, pods, run, seePod, speed, words } from "./desk.mjs";
import { clean, playground } from "./harness.mjs";

describe("a shared link", { concurrency: 2 }, () => {
  const site = playground();

  test("opens to the same state", async () => {
    const page = await site.open({ query: { lesson: "kubelet-stopped", seed: "7" } });
    const say = await words(page);
    await speed(page, "5×");
    await run(page, "kubectl create -f nginx-pod.yaml");
    await seePod(page, /^nginx-pod, running/);
    await run(page, "kubectl get pods -o wide");
    await run(page, "echo 안녕하세요");
    await pause(page);
    await page.getByRole("button", { name: say.share }).click();
    const dialog = page.getByRole("dialog", { name: say.share });
    await dialog.getByRole("button", { name: say.copyLink }).click();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(link, await dialog.getByRole("textbox").inputValue());
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });

    const other = await site.open({ path: new URL(link).search + new URL(link).hash });
    assert.deepEqual(await log(other), await log(page));
    assert.deepEqual(await pods(other), await pods(page));
    // It is alive, not a picture.
    assert.match(await run(other, "kubectl get pods"), /nginx-pod +1\/1 +Running/);
    clean(page);
    clean(other);
    await page.context().close();
    await other.context().close();
  });

  const BROKEN = [
    ["a character that does not belong", "#session=ab!c", /character 3/],
    ["half a session", "#session=eyJ2ZXJzaW9uIjox", /line 1 column/],
    ["no text", "#session=__79", /is no text/],
  ];
  for (const [what, path, reason] of BROKEN) {
    test(`says what is wrong with a broken one: ${what}`, async () => {
      const page = await site.open({ path });
      const notice = page.getByRole("alert").filter({ hasText: "This link could not be read" });
      await notice.waitFor();
      assert.match(await notice.innerText(), reason);
      assert.match(await notice.innerText(), /The plain lab was opened instead/);
      await notice.getByRole("button", { name: "Close" }).click();
      await notice.waitFor({ state: "detached" });
      assert.match(await run(page, "kubectl get nodes"), /m-k8s +Ready +/);
      clean(page);
      await page.context().close();
    });
  }

  for (const [query, title, reason] of [
    [{ profile: "future" }, "No such profile", /future/],
    [{ seed: "12x" }, "The seed is not a number", /12x/],
  ]) {
    test(`says what is wrong with the address: ${JSON.stringify(query)}`, async () => {
      const page = await site.open({ query });
      const notice = page.getByRole("alert").filter({ hasText: title });
      assert.match(await notice.innerText(), reason);
      assert.match(await run(page, "kubectl get nodes"), /m-k8s +Ready +/);
      clean(page);
      await page.context().close();
    });
  }

  test("settings that cannot be read are forgotten, nothing else", async () => {
    const page = await site.open();
    await page.evaluate(() => localStorage.setItem("kubedrill.settings", "{broken"));
    await page.reload();
    await page.locator("html[data-started]").waitFor({ state: "attached" });
    assert.match(await run(page, "kubectl get nodes"), /m-k8s +Ready +/);
    clean(page);
    await page.context().close();
  });

  test("says so in Korean too, and for other parameters", async () => {
    const page = await site.open({ lang: "ko", query: { lesson: "no-such-drill" } });
    const notice = page.getByRole("alert").filter({ hasText: "없는 학습입니다" });
    assert.match(await notice.innerText(), /no-such-drill/);
    clean(page);
    await page.context().close();
  });
});
