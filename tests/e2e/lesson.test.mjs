// The lesson plays itself: every step's button types its commands, and the goals check themselves.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { speed, step, stepDone, until, words } from "./desk.mjs";
import { clean, playground } from "./harness.mjs";

const STEPS = [
  "create-pod",
  "stop-kubelet",
  "delete-pod",
  "start-kubelet",
  "create-deployment",
  "stop-kubelet-again",
  "delete-deployment",
  "start-kubelet-again",
];
const RIGHT = { en: "It keeps running.", ko: "그대로 계속 돕니다." };
const BECAUSE = { en: /^Right\. kubelet gives orders/, ko: /^맞습니다\. kubelet은 지시하고/ };

describe("the lesson", { concurrency: 2 }, () => {
  const site = playground();

  for (const [lang, profile] of [["en", "modern"], ["ko", "book"]]) {
    test(`the buttons play the drill to its end: ${lang}, ${profile}`, async () => {
      const page = await site.open({ lang, query: { lesson: "kubelet-stopped", profile } });
      const say = await words(page);
      await speed(page, "20×");
      for (const id of STEPS) {
        const open = step(page, id);
        await open.getByRole("button", { name: say.doIt }).waitFor();
        if (id === "stop-kubelet") await predict(open, lang);
        await until("the last step's typing has ended", () => open.getByRole("button", { name: say.doIt }).isEnabled());
        await open.getByRole("button", { name: say.doIt }).click();
        await stepDone(page, id, 20_000);
      }
      await page.getByText(say.allDone).waitFor();
      clean(page);
      await page.context().close();
    });
  }
});

/** Answers the step's question; the reason appears and the answer stands. */
async function predict(open, lang) {
  const option = open.getByRole("button", { name: RIGHT[lang] });
  await option.click();
  assert.match(await open.getByRole("status").innerText(), BECAUSE[lang]);
  assert.equal(await option.getAttribute("aria-pressed"), "true");
  assert.ok(await option.isDisabled());
}
