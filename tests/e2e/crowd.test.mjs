// A thousand pods on thirty machines: painted, still in words, and quick. Frame times are printed, not
// judged: the machine that runs the tests decides them as much as we do.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { run, speed, until } from "./desk.mjs";
import { axe, clean, playground } from "./harness.mjs";

/** A session of thirty workers that nothing has happened in yet. */
function big() {
  const saved = {
    version: 1,
    config: { profile: "book", seed: 1, workers: 30 },
    inputs: [],
    until: 0,
    steps: 0,
  };
  return Buffer.from(JSON.stringify(saved)).toString("base64url");
}

/** How long frames take while `ms` pass: the script's own share of each, and what lies between two. */
function frames(ms) {
  return new Promise((done) => {
    const between = [];
    const tasks = [];
    const watch = new PerformanceObserver((list) => tasks.push(...list.getEntries().map((e) => Math.round(e.duration))));
    watch.observe({ type: "longtask" });
    let last = performance.now();
    const end = last + ms;
    const next = (now) => {
      between.push(now - last);
      last = now;
      if (now < end) return requestAnimationFrame(next);
      watch.disconnect();
      between.sort((a, b) => a - b);
      const at = (share) => between[Math.floor((between.length - 1) * share)].toFixed(1);
      done({ frames: between.length, median: at(0.5), p95: at(0.95), worst: at(1), longTasks: tasks });
    };
    requestAnimationFrame(next);
  });
}

describe("a crowd", { concurrency: 1 }, () => {
  const site = playground();

  test("a thousand pods are painted, counted and clickable", async (context) => {
    const page = await site.open({ path: `#session=${big()}`, motion: true });
    await run(page, "kubectl create deployment web --image=nginx");
    await run(page, "kubectl scale deployment web --replicas=1000");
    await speed(page, "20×");
    const canvas = page.locator("#stage canvas");
    const said = async () => (await canvas.count()) && (await canvas.getAttribute("aria-label"));
    context.diagnostic(`while they start: ${JSON.stringify(await page.evaluate(frames, 2000))}`);
    await until("a thousand running pods", async () => /running 10\d\d/.test((await said()) || ""), 90_000);
    await speed(page, "1×");
    await page.waitForTimeout(500);
    context.diagnostic(`at rest, 1×: ${JSON.stringify(await page.evaluate(frames, 3000))}`);
    assert.match(await page.locator("#stage .machine-head title").nth(5).textContent(), /\d\d pods/);

    // A painted pod is pointed at and clicked like any other.
    const { x, y, width } = await page.locator("#stage .ground.worker").nth(3).boundingBox();
    await page.mouse.move(x + width / 2, y + 22);
    for (let dy = 18; dy < 40 && !(await page.locator("#stage .tip").count()); dy += 2) {
      await page.mouse.move(x + 8, y + dy);
      await page.waitForTimeout(30);
    }
    assert.match(await page.locator("#stage .tip text").textContent(), / · Running$/);
    await page.mouse.down();
    await page.mouse.up();
    await page.getByRole("complementary", { name: "Inspector" }).getByRole("heading", { name: /web-|kube-|coredns|calico/ }).waitFor();
    await axe(page);
    clean(page);
    await page.context().close();
  });
});
