// A first visit, for `cargo xtask record`: what the page's program runs here is loaded at once,
// all else later. Usage: first-visit.mjs FILE, for the numbers of the marks that it left.

import { writeFileSync } from "node:fs";
import { commandLine, handle, pause, prompt, run, speed, submit, words } from "./desk.mjs";
import { standalone } from "./harness.mjs";

const ran = new Set();
const site = await standalone();

/** One visit; afterwards the marks that its program left. */
async function visit(options, act) {
  const page = await site.open(options);
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

/** Looking at a cluster, and a pod or two. */
async function walk(page, say) {
  await speed(page, "5×");
  for (const line of [
    "kubectl get nodes",
    "kubectl get nodes -o wide",
    "kubectl get pods --all-namespaces",
    "kubectl get pods -n kube-system -o wide",
    "kubectl create deployment web --image=nginx",
    "kubectl get deployments,replicasets,pods",
    "kubectl scale deployment web --replicas=3",
    "kubectl get pods -o wide",
    "kubectl run solo --image=nginx",
    "ls",
    "kubectl get pods,svc",
    "kubectl delete pod solo",
    "kubectl get pod nothing",
    "kubectl",
  ]) {
    await run(page, line, 60_000);
  }
  await commandLine(page).fill("kubectl get po");
  await commandLine(page).press("Tab");
  await commandLine(page).press("ArrowUp");
  await commandLine(page).press("Control+c");
  await commandLine(page).press("Control+l");
  await page.locator("#stage").getByRole("button", { name: /^w1-k8s 192/ }).click();
  await page.locator("#stage [role=button][data-pod]").first().click({ force: true });
  await pause(page);
  await (await handle(page)).focus();
  for (const key of ["PageDown", "PageDown", "PageUp", "End"]) await page.keyboard.press(key);
  // Time passes, so that what comes round once in a while has its turn.
  await page.getByRole("button", { name: /^(Play|Resume|재생|계속)/ }).first().click().catch(() => {});
  await page.getByRole("combobox", { name: say.speed }).selectOption({ index: await page.locator("select option").count() - 1 }).catch(() => {});
  await page.waitForTimeout(6_000);
}

async function drill(page) {
  await speed(page, "5×");
  await run(page, "kubectl create -f nginx-pod.yaml", 60_000);
  await run(page, "kubectl get pods -o wide");
  await submit(page, "kubectl delete pod nginx-pod");
  await prompt(page, 60_000);
  await page.waitForTimeout(1_000);
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
  await visit({ lang: "en", theme: "light", motion: true }, walk);
  await visit({ lang: "ko", theme: "dark" }, idle);
  await visit({ lang: "en", query: { profile: "modern" } }, walk);
  await visit({ lang: "ko", motion: true, query: { lesson: "kubelet-stopped" } }, drill);
  await visit({ lang: "en", width: 390, height: 844, touch: true }, idle);
  await visit({ lang: "en", width: 720, height: 480, query: { embed: "1", lesson: "pod-or-deployment" } }, idle);
} finally {
  await site.close();
}
writeFileSync(process.argv[2], [...ran].sort((a, b) => a - b).join("\n"));
