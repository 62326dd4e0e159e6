// The drill, typed by hand: the pod whose kubelet is stopped. And the way back through its time.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { busy, commandLine, goTo, handle, log, part, pause, pods, prompt, run, seePod, speed, stepDone, submit, until } from "./desk.mjs";
import { clean, playground } from "./harness.mjs";

/** Creates the pod and waits until it runs; gives its node. */
async function createPod(page) {
  assert.equal(await run(page, "kubectl create -f nginx-pod.yaml"), "pod/nginx-pod created");
  await seePod(page, /^nginx-pod, running \(Running\), 172\.16\./);
  const wide = await run(page, "kubectl get pods -o wide");
  const [head, row] = wide.split("\n");
  assert.match(head, /^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +/);
  return row.split(/ +/)[6];
}

/** Stops the kubelet of a node in its own terminal and comes back. */
async function systemctl(page, verb, node) {
  await goTo(page, node);
  assert.equal(await run(page, `systemctl ${verb} kubelet`), "");
  const state = verb === "stop" ? "not running" : "running";
  await part(page, `${node} kubelet, ${state}`).waitFor();
  await goTo(page, "m-k8s");
}

/** Deletes the pod, which hangs, and gives up. */
async function deleteAndInterrupt(page) {
  await submit(page, "kubectl delete pod nginx-pod");
  await until("kubectl has said so", async () => (await log(page)).includes('pod "nginx-pod" deleted'));
  await seePod(page, /^nginx-pod, terminating \(Terminating\), .*its containers still run/);
  assert.ok(await busy(page), "kubectl waits until the pod is really gone");
  await commandLine(page).press("Control+c");
  await prompt(page);
  assert.equal((await log(page)).at(-1), "^C");
}

describe("the drill, typed by hand", { concurrency: 2 }, () => {
  const site = playground();

  test("a pod stays Terminating while its kubelet is stopped", async () => {
    const page = await site.open({ query: { lesson: "kubelet-stopped" } });
    await speed(page, "5×");
    const node = await createPod(page);
    assert.match(node, /^w[123]-k8s$/);
    await stepDone(page, "create-pod");

    await systemctl(page, "stop", node);
    await stepDone(page, "stop-kubelet");

    await deleteAndInterrupt(page);
    assert.match(await run(page, "kubectl get pods"), /\nnginx-pod +1\/1 +Terminating +0 /);
    await stepDone(page, "delete-pod");

    await systemctl(page, "start", node);
    await until("the pod is gone from the stage", async () => (await pods(page)).length === 0, 20_000);
    assert.match(await run(page, "kubectl get pods"), /^No resources found/);
    await stepDone(page, "start-kubelet");
    clean(page);
    await page.context().close();
  });

  test("the handle of the timeline leads back and forth again", async () => {
    const page = await site.open({ query: { lesson: "kubelet-stopped" } });
    await speed(page, "5×");
    const node = await createPod(page);
    await systemctl(page, "stop", node);
    await deleteAndInterrupt(page);
    await pause(page);

    const slider = await handle(page);
    const glance = async () => ({
      log: await log(page),
      pods: await pods(page),
      clock: await slider.getAttribute("aria-valuetext"),
      kubelet: await part(page, `${node} kubelet, running`).count(),
    });
    // A long way back is replayed in slices, with the picture as it was until then: two glances must agree.
    const look = async () => {
      for (let before = await glance(); ; ) {
        await page.waitForTimeout(300);
        const now = await glance();
        if (isDeepStrictEqual(before, now)) return now;
        before = now;
      }
    };
    const end = await look();
    assert.equal(end.kubelet, 0);

    // Back in large steps; every stop on the way is remembered.
    await slider.focus();
    const stops = [];
    for (let i = 0; i < 10; i++) {
      await page.keyboard.press("PageDown");
      stops.push(await look());
    }
    await page.keyboard.press("Home");
    const start = await look();
    assert.deepEqual(start.pods, []);
    assert.equal(start.kubelet, 1);
    assert.equal(start.log.filter((row) => row.includes("]# ")).length, 0, "nothing was typed yet");
    const seen = stops.map((stop) => stop.pods.join());
    assert.ok(seen.some((s) => /running/.test(s)), `running once: ${seen.join(" | ")}`);

    // Forward again: the same stops, then the same end.
    for (const stop of stops.slice(0, 9).reverse()) {
      await page.keyboard.press("PageUp");
      await until("the clock there", async () => (await slider.getAttribute("aria-valuetext")) === stop.clock);
      assert.deepEqual(await look(), stop);
    }
    await page.keyboard.press("End");
    assert.deepEqual(await look(), end);
    clean(page);
    await page.context().close();
  });

  test("dragging the handle rewinds, and typing there begins a new branch", async () => {
    const page = await site.open({ query: { lesson: "kubelet-stopped" } });
    await speed(page, "5×");
    await createPod(page);
    await pause(page);
    const slider = await handle(page);
    const box = await slider.boundingBox();
    const y = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width - 2, y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2, y, { steps: 4 });
    await page.mouse.move(box.x + 1, y, { steps: 4 });
    await page.mouse.up();
    assert.deepEqual(await pods(page), []);
    assert.equal(await run(page, "kubectl get pods"), "No resources found in default namespace.");

    // The branch that was left is still there, with its pod.
    await page.getByRole("button", { name: /^branch 1/ }).click();
    await page.keyboard.press("Tab");
    await slider.focus();
    await page.keyboard.press("End");
    await seePod(page, /^nginx-pod, running/);
    clean(page);
    await page.context().close();
  });
});
