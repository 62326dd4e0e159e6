// A bug of ours: the crash screen keeps what was done. `?panic=LINE` makes the published program panic
// once LINE has been typed; nothing else can be trusted to.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { commandLine, log, run, seePod, speed } from "./desk.mjs";
import { axe, clean, playground, started } from "./harness.mjs";

const WORDS = {
  en: { title: /stopped because of a bug/, save: "Save session", replay: "Replay", fresh: "Start fresh" },
  ko: { title: /버그로 멈췄습니다/, save: "세션 저장", replay: "다시 재생", fresh: "새로 시작" },
};

/** Waits until the page has started anew. */
async function fresh(page) {
  await page.locator("#crash").waitFor({ state: "detached" });
  await started(page);
}

describe("the crash screen", { concurrency: 2 }, () => {
  const site = playground();

  for (const lang of ["en", "ko"]) {
    test(`offers the session, which can be saved and replayed: ${lang}`, async () => {
      const say = WORDS[lang];
      const page = await site.open({ lang, query: { lesson: "kubelet-stopped", panic: "crash now" } });
      await speed(page, "5×");
      await run(page, "kubectl create -f nginx-pod.yaml");
      await seePod(page, /^nginx-pod, .*\(Running\)/);
      clean(page);
      await commandLine(page).fill("crash now");
      await commandLine(page).press("Enter");
      const screen = page.getByRole("alert");
      await screen.getByRole("heading", { name: say.title }).waitFor();
      assert.match(await screen.innerText(), /asked for by \?panic=crash now/);
      assert.match(await screen.innerText(), /reduce\.rs:\d+/);
      await axe(page);

      const waiting = page.waitForEvent("download");
      await screen.getByRole("link", { name: say.save }).click();
      const saved = JSON.parse(await readFile(await (await waiting).path(), "utf8"));
      const typed = saved.inputs.filter((i) => i.input.type === "line").map((i) => i.input.text);
      assert.deepEqual(typed, ["kubectl create -f nginx-pod.yaml", "crash now"]);

      await screen.getByRole("link", { name: say.replay }).click();
      await fresh(page);
      await seePod(page, /^nginx-pod, .*\(Running\)/);
      assert.ok((await log(page)).some((row) => row.endsWith("# kubectl create -f nginx-pod.yaml")));
      assert.match(await run(page, "kubectl get pods"), /nginx-pod +1\/1 +Running/);
      await page.context().close();
    });
  }

  test("a fresh start is one click away", async () => {
    const page = await site.open({ query: { panic: "crash now" } });
    await commandLine(page).fill("crash now");
    await commandLine(page).press("Enter");
    await page.getByRole("link", { name: "Start fresh" }).click();
    await fresh(page);
    assert.match(await run(page, "kubectl get nodes"), /m-k8s +Ready/);
    await page.context().close();
  });
});
