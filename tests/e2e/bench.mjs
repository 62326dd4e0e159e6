// What the page costs, measured in a real browser: printed, never judged; the machine decides it as much
// as we do. Usage: bench.mjs [ROW …] (parts of the rows' names).

import { readFile } from "node:fs/promises";
import { run, speed, submit, until } from "./desk.mjs";
import { standalone } from "./harness.mjs";

const site = await standalone();

/** Milliseconds in which the page's main thread was busy while `act` ran. */
async function busy(page, act) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Performance.enable");
  const total = async () => {
    const { metrics } = await cdp.send("Performance.getMetrics");
    return metrics.find((m) => m.name === "TaskDuration").value * 1000;
  };
  const before = await total();
  const value = await act();
  return { ms: (await total()) - before, value };
}

/** How long frames take while `ms` pass, and the tasks over 50 ms. */
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
      const at = (share) => Number(between[Math.floor((between.length - 1) * share)].toFixed(1));
      done({ median: at(0.5), p95: at(0.95), worst: at(1), over50: tasks });
    };
    requestAnimationFrame(next);
  });
}

const told = (f) => `median ${f.median} ms, p95 ${f.p95} ms, worst ${f.worst} ms, tasks over 50 ms: ${f.over50.length ? f.over50.join(" ") : "none"}`;

/** A session as the page saves it. */
async function saved(page) {
  await page.getByRole("button", { name: "Menu" }).click();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save session" }).click();
  return JSON.parse(await readFile(await (await download).path(), "utf8"));
}

const link = (session) => `#session=${Buffer.from(JSON.stringify(session)).toString("base64url")}`;
const BIG = { version: 1, config: { profile: "book", seed: 1, workers: 30 }, inputs: [], until: 0, steps: 0 };

const ROWS = {
  "interactive, first visit": async () => {
    const page = await site.open({ started: false });
    const ready = await page.evaluate(async () => {
      while (!document.documentElement.hasAttribute("data-started")) await new Promise(requestAnimationFrame);
      return performance.now();
    });
    const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0);
    const began = Date.now();
    await run(page, "true");
    return `first paint ${paint.toFixed(0)} ms, interactive ${ready.toFixed(0)} ms, a first command ${Date.now() - began} ms after`;
  },
  "lab ready (start over, target 100 ms)": async () => {
    const page = await site.open();
    const all = [];
    for (let i = 0; i < 5; i++) {
      if (!(await page.locator(".menu").count())) await page.getByRole("button", { name: "Menu" }).click();
      await page.locator(".menu").waitFor();
      all.push(
        await page.evaluate(async () => {
          const button = [...document.querySelectorAll(".menu button")].at(-1);
          const t0 = performance.now();
          button.click();
          await new Promise((r) => setTimeout(r));
          return performance.now() - t0;
        }),
      );
    }
    return `${all.sort((a, b) => a - b)[2].toFixed(0)} ms`;
  },
  "kubectl get pods -A, of 50 (target 2 ms)": async () => {
    const page = await site.open();
    await speed(page, "20×");
    await run(page, "kubectl create deployment web --image=nginx");
    const idle = await busy(page, () => page.waitForTimeout(2000));
    const began = Date.now();
    const loop = await busy(page, () => run(page, "for i in $(seq 50); do kubectl get pods -A > /dev/null; done", 60_000));
    const wall = Date.now() - began;
    return `${((loop.ms - (idle.ms * wall) / 2000) / 50).toFixed(2)} ms each (${wall} ms in all)`;
  },
  "24 h of an idle cluster (target 4 s)": async () => {
    const first = await site.open();
    const session = { ...(await saved(first)), steps: Number.MAX_SAFE_INTEGER };
    session.until += 24 * 3600 * 1e6;
    const page = await site.open({ path: link(session), started: false });
    const began = Date.now();
    await until("the replay", async () => (await page.locator("#stage .past-note").count()) > 0, 60_000);
    await until("its end", async () => (await page.locator("#stage .past-note").count()) === 0, 600_000);
    return `${((Date.now() - began) / 1000).toFixed(1)} s`;
  },
  "idle page, 4 nodes": async () => {
    const page = await site.open({ motion: true });
    await page.waitForTimeout(500);
    const { ms, value } = await busy(page, () => page.evaluate(frames, 3000));
    return `${told(value)}; busy ${(ms / 30).toFixed(0)} %`;
  },
  "a flow followed": async () => {
    const page = await site.open({ motion: true });
    await page.getByRole("button", { name: "Follow" }).click();
    await submit(page, "kubectl create deployment web --image=nginx --replicas=3");
    return told(await page.evaluate(frames, 5000));
  },
  "typing 40 letters": async () => {
    const page = await site.open();
    const { ms } = await busy(page, () => page.locator("#cli").pressSequentially("kubectl get pods --all-namespaces -o wide", { delay: 20 }));
    return `${(ms / 40).toFixed(1)} ms a letter`;
  },
  "500 lines of output": async () => {
    const page = await site.open();
    const { ms } = await busy(page, () => run(page, "seq 500", 60_000));
    return `${ms.toFixed(0)} ms`;
  },
  "1,000 pods, 30 nodes": async () => {
    const page = await site.open({ path: link(BIG), motion: true });
    await run(page, "kubectl create deployment web --image=nginx");
    await run(page, "kubectl scale deployment web --replicas=1000");
    await speed(page, "20×");
    const starting = told(await page.evaluate(frames, 3000));
    const canvas = page.locator("#stage canvas");
    const running = async () => (await canvas.count()) && /running 10\d\d/.test(await canvas.getAttribute("aria-label"));
    await until("a thousand running pods", running, 180_000);
    await speed(page, "1×");
    await page.waitForTimeout(500);
    return `starting at 20×: ${starting}\n${" ".repeat(44)}at rest: ${told(await page.evaluate(frames, 3000))}`;
  },
};

try {
  const wanted = process.argv.slice(2);
  for (const [name, measure] of Object.entries(ROWS)) {
    if (wanted.length && !wanted.some((w) => name.includes(w))) continue;
    console.log(`${name.padEnd(42)}  ${await measure()}`);
    for (const context of site.browser.contexts()) await context.close();
  }
} finally {
  await site.close();
}
