// Drills other than the first: their buttons play them to the end, goals and all, in the browser.

import { describe, test } from "node:test";
import { speed, until, words } from "./desk.mjs";
import { clean, playground } from "./harness.mjs";

const DRILLS = [
  "br-netfilter",
  "docker-stopped",
  "scheduler-deleted",
  "master-kubelet-stopped",
  "master-docker-stopped",
  "containerd-stopped",
];

describe("drills play themselves", { concurrency: 3 }, () => {
  const site = playground();

  for (const [i, lesson] of DRILLS.entries()) {
    test(lesson, async () => {
      const page = await site.open({ lang: i % 2 ? "ko" : "en", query: { lesson } });
      const say = await words(page);
      await speed(page, "60×");
      const open = page.locator("#lesson .step.open");
      const all = page.getByText(say.allDone);
      const ids = await page.locator("#lesson [data-step]").evaluateAll((steps) => steps.map((s) => s.dataset.step));
      for (const id of ids) {
        if (await all.count()) break;
        const step = page.locator(`#lesson .step.open[data-step=${id}]`);
        await step.waitFor();
        const button = step.getByRole("button", { name: say.doIt });
        if (await button.count()) {
          await until(`the hand is free for ${id}`, () => button.isEnabled(), 30_000);
          await button.click();
        }
        const done = async () => (await all.count()) || (await open.getAttribute("data-step")) !== id;
        await until(`${lesson}: ${id} is done`, done, 40_000);
      }
      await all.waitFor();
      clean(page);
      await page.context().close();
    });
  }
});
