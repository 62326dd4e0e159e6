// First visits, for `cargo xtask record`: what the page's program runs here is loaded at once, all
// else when the visitor begins to work. So nobody types or clicks in it. Usage: first-visit.mjs FILE, for the numbers of the marks that it left.

import { writeFileSync } from "node:fs";
import { speed, words } from "./desk.mjs";
import { standalone, started } from "./harness.mjs";

const ran = new Set();
const site = await standalone();

/** One visit; afterwards the marks that its program left. */
async function visit(options, act) {
  const page = await site.open(options);
  if (options.again) {
    await page.evaluate(() => localStorage.setItem("kubedrill.settings", JSON.stringify({ lang: "ko", theme: "dark", lesson: 300 })));
    await page.reload();
    await started(page);
  }
  await act(page, await words(page));
  const marks = await page.evaluate(() => {
    const memory = new Uint8Array(window.kubedrillExports.marks.buffer);
    return [...memory.keys()].filter((mark) => memory[mark]);
  });
  marks.forEach((mark) => ran.add(mark));
  console.log(`${JSON.stringify(options)}: ${marks.length} marks, ${ran.size} so far`);
  for (const problem of page.problems) console.log(`  ! ${problem}`);
  await page.context().close();
}

/** What happens to a page that nobody has clicked or typed into: the pointer passes, the window changes. */
async function look(page, say) {
  for (const pod of await page.locator("#stage [role=button]").all()) {
    await pod.hover({ force: true, timeout: 2_000 }).catch(() => {});
  }
  for (const name of [say.stage, say.timeline, say.terminal]) {
    await page.getByRole("region", { name }).first().hover({ timeout: 2_000 }).catch(() => {});
    await page.mouse.wheel(0, 120);
  }
  const { width, height } = page.viewportSize();
  for (const [w, h] of [[width - 200, height - 150], [400, 800], [width, height]]) {
    await page.setViewportSize({ width: w, height: h });
    await page.waitForTimeout(300);
  }
}

/** Time passes, so that what comes round once in a while has its turn. */
async function wait(page, say) {
  await look(page, say);
  await page.waitForTimeout(12_000);
  // Twenty minutes of the cluster; setting the speed is a script's way to have them.
  await speed(page, "60×");
  await page.waitForTimeout(20_000);
}

const idle = (page) => page.waitForTimeout(4_000);

try {
  const exports = () => {
    // Installed before the boot script, which wraps it once more.
    const { instantiate } = WebAssembly;
    WebAssembly.instantiate = async (program, imports) => {
      const instance = await instantiate(program, imports);
      window.kubedrillExports = instance.exports;
      return instance;
    };
  };
  const open = site.browser.newContext.bind(site.browser);
  site.browser.newContext = async (options) => {
    const context = await open(options);
    await context.addInitScript(exports);
    return context;
  };
  await visit({ lang: "en", theme: "light", motion: true }, wait);
  await visit({ lang: "ko", theme: "dark" }, look);
  await visit({ lang: "ko", motion: true, query: { profile: "modern" } }, wait);
  await visit({ lang: "en", width: 390, height: 844, touch: true }, idle);
  await visit({ lang: "en", width: 720, height: 480, query: { embed: "1" } }, idle);
  await visit({ lang: "ko", again: true }, idle);
} finally {
  await site.close();
}
writeFileSync(process.argv[2], [...ran].sort((a, b) => a - b).join("\n"));
