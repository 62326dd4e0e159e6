// Somebody who comes for the first time: what to do is plain at once, a whole drill goes by keyboard alone,
// what a screen reader is told comes in portions, and the next drill is offered.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { commandLine, goTo, log, run, speed, until, words } from "./desk.mjs";
import { clean, playground } from "./harness.mjs";

/** Moves on with Tab until what has the focus satisfies `wanted`, a function of the page. */
async function tabTo(page, what, wanted, arg) {
  for (let i = 0; i < 160; i++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(wanted, arg)) return;
  }
  assert.fail(`Tab does not reach ${what}`);
}

const focusIn = (selector) => document.activeElement?.matches(selector);

describe("a learner", { concurrency: 2 }, () => {
  const site = playground();

  for (const [lang, title] of [["en", "When a pod is deleted by mistake"], ["ko", "파드를 실수로 지웠을 때"]]) {
    test(`finds what to do first, and does a drill by keyboard alone: ${lang}`, async () => {
      const page = await site.open({ lang });
      const say = await words(page);
      const offers = page.locator("button.primary:visible");
      assert.equal(await offers.count(), 1, "one thing stands out");
      assert.match(await offers.innerText(), new RegExp(title));
      await page.evaluate(() => {
        window.said = [];
        const region = document.querySelector("[role=status][aria-live=polite]");
        new MutationObserver(() => window.said.push([performance.now(), region.textContent])).observe(region, { childList: true, characterData: true, subtree: true });
      });
      await speed(page, "60×");
      await tabTo(page, "the first drill", focusIn, "#lesson .start-here .primary");
      await page.keyboard.press("Enter");
      await page.locator("#lesson .step.open").first().waitFor();
      await speed(page, "60×");
      const ids = await page.locator("#lesson [data-step]").evaluateAll((steps) => steps.map((s) => s.dataset.step));
      for (const id of ids) {
        const step = `#lesson .step.open[data-step=${id}]`;
        await page.locator(step).waitFor();
        if (await page.locator(`${step} .option`).count()) {
          await tabTo(page, "a prediction", focusIn, `${step} .option`);
          await page.keyboard.press("Enter");
          await page.locator(`${step} .because`).waitFor();
        }
        await until("the hand is free", () => page.locator(`${step} .do-it`).isEnabled(), 30_000);
        await tabTo(page, "the step's button", focusIn, `${step} .do-it`);
        await page.keyboard.press("Enter");
        await until(`${id} is done`, async () => (await page.locator(`#lesson .step.done[data-step=${id}]`).count()) > 0, 40_000);
      }
      await page.getByText(say.allDone).waitFor();
      // Portions come one after the other: the last goal's may still wait for its turn.
      const told = (mark) => window.said.some(([, text]) => text.includes(mark));
      await until("goals are told", () => page.evaluate(told, `${say.done}: `), 10_000);
      const said = await page.evaluate(() => window.said);
      for (const [i, [at, text]] of said.entries()) {
        assert.ok(text.length < 600, `a portion can be listened to: ${text}`);
        if (i > 0) assert.ok(at - said[i - 1][0] > 1500, `portions are apart: ${said}`);
      }
      await tabTo(page, "the next drill", focusIn, "#lesson .next-drill .primary");
      await page.keyboard.press("Enter");
      await until("another drill", async () => (await page.locator("#lesson .step.done").count()) === 0);
      assert.doesNotMatch(await page.title(), new RegExp(title));
      // What was done is remembered.
      await page.goto(page.url().split("?")[0]);
      await page.locator("#lesson .catalogue .done", { hasText: title }).waitFor();
      clean(page);
      await page.context().close();
    });
  }

  test("the terminal searches its history, moves its caret, and lists what Tab finds", async () => {
    const page = await site.open();
    for (const line of ["ls /etc/kubernetes", "kubectl get nodes", "echo done"]) await run(page, line);
    const line = commandLine(page);
    await line.press("Control+r");
    await page.keyboard.type("kube");
    await page.locator("#terminal .found", { hasText: "kubectl get nodes" }).waitFor();
    await page.keyboard.press("Control+r");
    await page.locator("#terminal .found", { hasText: "ls /etc/kubernetes" }).waitFor();
    await page.keyboard.press("ArrowRight");
    assert.equal(await line.inputValue(), "ls /etc/kubernetes");
    await page.keyboard.press("Control+a");
    await page.keyboard.type("echo ");
    await page.keyboard.press("Control+e");
    await page.keyboard.type("/*.conf");
    await page.keyboard.press("Enter");
    await until("the echo", async () => (await log(page)).some((row) => /^ls .*admin\.conf/.test(row)));
    await line.fill("kubectl get po");
    await line.press("Tab");
    await line.press("Tab");
    await until("candidates", async () => /pods/.test(await page.locator("#terminal .candidates").innerText()));
    clean(page);
    await page.context().close();
  });

  test("names in the output lead to the picture", async () => {
    const page = await site.open();
    await goTo(page, "m-k8s");
    await run(page, "kubectl get nodes");
    const name = page.locator("#terminal .name", { hasText: "w2-k8s" });
    await name.hover();
    await page.locator("#stage .ground.lit, #stage .ring").first().waitFor();
    await name.click();
    await page.getByRole("complementary", { name: "Inspector" }).getByRole("heading", { name: "w2-k8s" }).waitFor();
    clean(page);
    await page.context().close();
  });
});
