// Files of the machines: free play has manifests at hand, and the editor changes them.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { goTo, run, seePod, speed } from "./desk.mjs";
import { axe, clean, playground } from "./harness.mjs";

describe("files", { concurrency: 2 }, () => {
  const site = playground();

  for (const profile of ["book", "modern"]) {
    test(`free play has manifests in root's home: ${profile}`, async () => {
      const page = await site.open({ query: { profile } });
      await speed(page, "5×");
      assert.match(await run(page, "ls"), /nginx-pod\.yaml/);
      assert.equal(await run(page, "kubectl create -f nginx-pod.yaml"), "pod/nginx-pod created");
      await seePod(page, /^nginx-pod, running \(Running\), 172\.16\./);
      clean(page);
      await page.context().close();
    });
  }

  test("a file is edited, saved, and used", async () => {
    const page = await site.open({ lang: "ko" });
    await page.locator("#terminal").getByRole("button", { name: "파일" }).click();
    const editor = page.getByRole("dialog", { name: "파일 · m-k8s" });
    await editor.getByRole("button", { name: "/root/nginx-pod.yaml", exact: true }).click();
    const text = editor.getByRole("textbox", { name: "/root/nginx-pod.yaml" });
    const before = await text.inputValue();
    assert.match(before, /name: nginx-pod/);
    await axe(page);
    await text.fill(before.replace("name: nginx-pod", "name: edited-pod"));
    await editor.getByText("저장 안 됨").waitFor();
    await page.keyboard.press("Control+s");
    await editor.getByText("저장 안 됨").waitFor({ state: "detached" });
    await page.keyboard.press("Escape");
    await editor.waitFor({ state: "detached" });
    assert.equal(await run(page, "kubectl create -f nginx-pod.yaml"), "pod/edited-pod created");
    clean(page);
    await page.context().close();
  });

  test("a new file on another machine", async () => {
    const page = await site.open();
    await goTo(page, "w1-k8s");
    await page.locator("#terminal").getByRole("button", { name: "Files" }).click();
    const editor = page.getByRole("dialog", { name: "Files · w1-k8s" });
    const path = editor.getByRole("combobox", { name: "Path" });
    await path.fill("/root/hello.sh");
    await path.press("Enter");
    await editor.getByText("not there yet").waitFor();
    await editor.getByRole("textbox", { name: "/root/hello.sh" }).fill("echo hello from $(hostname)\n");
    await editor.getByRole("button", { name: "Save" }).click();
    await editor.getByRole("button", { name: "Close" }).click();
    assert.equal(await run(page, "sh /root/hello.sh"), "hello from w1-k8s");
    clean(page);
    await page.context().close();
  });
});
