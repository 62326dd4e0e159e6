// What the data plane and the scheduler do is seen: a curl's way through a Service, where a packet ends
// that does not arrive, and the scores of the nodes while a pod is placed.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { lookout, prompt, run, seePod, submit, until } from "./desk.mjs";
import { axe, clean, playground } from "./harness.mjs";

describe("packets and scores", { concurrency: 2 }, () => {
  const site = playground();

  async function web(page) {
    await run(page, "kubectl create deployment web --image=nginx");
    await seePod(page, /^web-.*\(Running\)/);
    await run(page, "kubectl expose deployment web --port=80");
  }

  test("a curl is followed through rules and pod network to the pod", async () => {
    const page = await site.open({ motion: true });
    await web(page);
    const look = await lookout(page);
    await run(page, "curl -s $(kubectl get service web -o jsonpath={.spec.clusterIP})");
    const caption = page.locator("#stage .caption");
    await until("it arrives", async () => /It reaches pod web-/.test((await caption.allTextContents()).join()), 15_000);
    assert.ok(await page.locator("#stage .packet.data").count(), "the packet is drawn");
    const shown = await look();
    for (const said of [/kube-proxy's rules on m-k8s turn 10\./, /The pod network on m-k8s/, /It crosses to w\d-k8s/]) shown(said);
    clean(page);
    await page.context().close();
  });

  test("a lost packet ends where it is dropped, and says why", async () => {
    const page = await site.open({ lang: "ko" });
    await web(page);
    await run(page, "modprobe -r br_netfilter; systemctl restart network");
    await submit(page, "curl -m 2 $(kubectl get pods -o jsonpath={.items[0].status.podIP})");
    await page.locator("#stage .caption.error", { hasText: "m-k8s에서 버려집니다. br_netfilter" }).waitFor();
    await page.locator("#stage .packet.error", { hasText: "timeout" }).waitFor();
    await prompt(page);
    clean(page);
    await page.context().close();
  });

  test("nodes show their scores while a pod is placed, the inspector keeps them", async () => {
    const page = await site.open();
    await run(page, "kubectl taint node w3-k8s a=b:NoSchedule");
    await run(page, "kubectl run web --image=nginx");
    const scores = page.locator("#stage .scores");
    await scores.locator(".chosen").waitFor();
    assert.match(await scores.textContent(), /\d{3}.*✕ TaintToleration/);
    await page.locator("#stage").getByRole("button", { name: /^web, / }).click();
    await page.locator("#inspector .placing summary").click();
    await page.locator("#inspector .placing").getByRole("row", { name: /^NodeResourcesFit \d+ \d+$/ }).waitFor();
    await page.locator("#inspector .placing").getByText(/had taint \{a: b\}/).waitFor();
    await axe(page, "#inspector");
    clean(page);
    await page.context().close();
  });
});
