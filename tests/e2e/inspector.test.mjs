// What is selected: its facts, its events, its YAML, and why it is as it is.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { goTo, handle, log, part, pods, run, seePod, speed, tab } from "./desk.mjs";
import { clean, playground } from "./harness.mjs";

describe("the inspector", { concurrency: 2 }, () => {
  const site = playground();

  test("says of a pod what kubectl says, and why", async () => {
    const page = await site.open({ query: { lesson: "kubelet-stopped" } });
    await speed(page, "5×");
    await run(page, "kubectl create -f nginx-pod.yaml");
    await seePod(page, /^nginx-pod, running/);
    const wide = (await run(page, "kubectl get pods -o wide")).split("\n")[1].split(/ +/);
    const [ip, node] = [wide[5], wide[6]];

    // A name in the terminal's output leads there, too.
    await page.getByRole("log").getByText("nginx-pod", { exact: true }).last().click();
    const inspector = page.getByRole("complementary", { name: "Inspector" });
    await inspector.getByRole("heading", { name: "nginx-pod" }).waitFor();
    for (const [fact, value] of [["Status", "Running"], ["Node", node], ["IP", ip]]) {
      const row = inspector.locator("dl > div").filter({ has: page.getByText(fact, { exact: true }) });
      assert.equal(await row.getByRole("definition").innerText(), value);
    }

    const facet = async (name) => {
      await inspector.getByRole("tab", { name }).click();
      return await inspector.getByRole("tabpanel", { name }).innerText();
    };
    const events = await facet("Events");
    const order = ["Started", "Created", "Pulled", "Pulling", "Scheduled"].map((reason) => events.indexOf(`${reason}\n`));
    assert.ok(order.every((at, i) => at >= 0 && (i === 0 || at > order[i - 1])), events);
    assert.match(await facet("YAML"), new RegExp(`nodeName: ${node}`));
    const why = await facet("Why");
    assert.match(why, /starts container nginx of pod nginx-pod/);
    assert.match(why, /kubectl create -f nginx-pod\.yaml/);

    // A link in the facts selects the node; a moment of the chain leads into the past.
    await inspector.getByRole("button", { name: /chooses a node for pod nginx-pod/ }).click();
    await seePod(page, /^nginx-pod, (pending|creating)/);
    const slider = await handle(page);
    await slider.focus();
    await page.keyboard.press("End");
    await seePod(page, /^nginx-pod, running/);
    await inspector.getByRole("definition").getByRole("button", { name: node }).click();
    await inspector.getByRole("heading", { name: node }).waitFor();
    clean(page);
    await page.context().close();
  });

  test("what it offers is typed as a command, and the picture follows", async () => {
    const page = await site.open();
    await part(page, "w2-k8s kubelet, running").click();
    const inspector = page.getByRole("complementary", { name: "Inspector" });
    await inspector.getByRole("button", { name: "Stop kubelet" }).click();
    await part(page, "w2-k8s kubelet, not running").waitFor();
    assert.equal(await tab(page, "w2-k8s").getAttribute("aria-selected"), "true");
    assert.match((await log(page)).at(-1), /w2-k8s.*# systemctl stop kubelet$/);

    // The control plane believes in the node until it misses its reports.
    await goTo(page, "m-k8s");
    assert.match(await run(page, "kubectl get node w2-k8s"), /w2-k8s +Ready /);
    await speed(page, "60×");
    await page.locator("#stage").getByRole("button", { name: /^w2-k8s 192\S+ NotReady/ }).waitFor();
    await speed(page, "1×");
    assert.match(await run(page, "kubectl get node w2-k8s"), /w2-k8s +NotReady /);
    clean(page);
    await page.context().close();
  });
});

describe("a session as a file", { concurrency: 2 }, () => {
  const site = playground();
  const menu = (page) => page.getByRole("button", { name: "Menu", exact: true }).click();

  test("is saved and opened elsewhere", async () => {
    const page = await site.open({ query: { lesson: "kubelet-stopped" } });
    await speed(page, "5×");
    await run(page, "kubectl create -f nginx-pod.yaml");
    await seePod(page, /^nginx-pod, running/);
    await run(page, "kubectl get pods");
    await page.getByRole("button", { name: "Pause", exact: true }).click();
    await menu(page);
    const waiting = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save session" }).click();
    const file = await (await waiting).path();

    const other = await site.open({ query: { profile: "modern" } });
    await menu(other);
    await other.getByLabel("Open session").setInputFiles(file);
    await seePod(other, /^nginx-pod, running/);
    assert.deepEqual(await log(other), await log(page));
    assert.deepEqual(await pods(other), await pods(page));
    clean(page);
    clean(other);
    await page.context().close();
    await other.context().close();
  });

  test("that is broken says where, and nothing is lost", async () => {
    const page = await site.open();
    await run(page, "echo still here");
    const before = await log(page);
    await menu(page);
    const broken = { name: "session.json", mimeType: "application/json", buffer: Buffer.from('{"version":1,\n"config":') };
    await page.getByLabel("Open session").setInputFiles(broken);
    const notice = page.getByRole("alert").filter({ hasText: "This session file could not be read" });
    assert.match(await notice.innerText(), /line 2 column 9[\s\S]*Your session is unchanged/);
    assert.deepEqual(await log(page), before);
    clean(page);
    await page.context().close();
  });
});
