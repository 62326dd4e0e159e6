// The command line as a place to type: composition, completion, history, clearing, pasting.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { busy, commandLine, goTo, log, prompt, run, submit, until } from "./desk.mjs";
import { clean, playground } from "./harness.mjs";

describe("the terminal", { concurrency: 2 }, () => {
  const site = playground();

  test("takes Korean from an input method", async () => {
    const page = await site.open({ lang: "ko" });
    const line = commandLine(page);
    await line.focus();
    await page.keyboard.type("echo ");
    const method = await page.context().newCDPSession(page);
    for (const text of ["ㅎ", "하", "한", "한ㄱ", "한구", "한국"]) {
      await method.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
    }
    assert.equal(await line.inputValue(), "echo 한국");
    // The Enter that ends a syllable belongs to the input method.
    const key = { key: "Process", code: "Enter", windowsVirtualKeyCode: 229 };
    await method.send("Input.dispatchKeyEvent", { type: "rawKeyDown", ...key });
    await method.send("Input.insertText", { text: "한국" });
    await method.send("Input.dispatchKeyEvent", { type: "keyUp", ...key });
    assert.equal(await line.inputValue(), "echo 한국");
    await page.keyboard.insertText("어");
    await line.press("Enter");
    await until("한국어", async () => (await log(page)).at(-1) === "한국어");
    clean(page);
    await page.context().close();
  });

  test("keeps a history for each machine", async () => {
    const page = await site.open();
    const line = commandLine(page);
    await run(page, "echo one");
    await run(page, "echo two");
    await line.fill("unfinished");
    await line.press("ArrowUp");
    assert.equal(await line.inputValue(), "echo two");
    await line.press("ArrowUp");
    assert.equal(await line.inputValue(), "echo one");
    await line.press("ArrowDown");
    await line.press("ArrowDown");
    assert.equal(await line.inputValue(), "unfinished");
    await goTo(page, "w1-k8s");
    await line.press("ArrowUp");
    assert.equal(await line.inputValue(), "");
    clean(page);
    await page.context().close();
  });

  test("Tab completes, and lists what it could be", async () => {
    const page = await site.open({ query: { lesson: "kubelet-stopped" } });
    const line = commandLine(page);
    const press = async (text) => {
      await line.fill(text);
      await line.press("Tab");
      return await line.inputValue();
    };
    assert.equal(await press("systemc"), "systemctl ");
    assert.equal(await press("kubectl descr"), "kubectl describe ");
    assert.equal(await press("kubectl create -f ngi"), "kubectl create -f nginx-pod.yaml ");
    assert.equal(await press("kubectl describe node w1"), "kubectl describe node w1-k8s ");
    assert.equal(await press("kubectl c"), "kubectl c");
    for (const verb of ["cordon", "create"]) {
      await page.locator("#terminal").getByText(verb, { exact: true }).waitFor();
    }
    clean(page);
    await page.context().close();
  });

  test("Ctrl-L clears, Ctrl-C gives up a line and a command", async () => {
    const page = await site.open();
    const line = commandLine(page);
    await run(page, "echo one");
    await line.press("Control+l");
    await until("an empty screen", async () => (await log(page)).length === 0);
    await run(page, "echo two");
    assert.equal((await log(page)).at(-1), "two");
    await line.fill("half a li");
    await line.press("Control+c");
    assert.equal(await line.inputValue(), "");
    await submit(page, "sleep 1000");
    assert.ok(await busy(page));
    await line.press("Control+c");
    await prompt(page);
    assert.equal(await run(page, "echo $?"), "130");
    clean(page);
    await page.context().close();
  });

  test("pasted lines run one after another; the last one waits", async () => {
    const page = await site.open();
    const line = commandLine(page);
    await page.evaluate(() => navigator.clipboard.writeText("echo one\necho two\necho three"));
    await line.focus();
    await page.keyboard.press("Control+v");
    await until("two", async () => (await log(page)).at(-1) === "two");
    assert.equal(await line.inputValue(), "echo three");
    clean(page);
    await page.context().close();
  });

  test("what is selected on the screen is copied, and Ctrl-C interrupts nothing then", async () => {
    const page = await site.open();
    await run(page, "echo copy this");
    await submit(page, "sleep 1000");
    await page.getByRole("log").evaluate((log) => {
      const row = [...log.querySelectorAll(".row")].find((r) => r.textContent.trim() === "copy this");
      getSelection().selectAllChildren(row);
    });
    await page.keyboard.press("Control+c");
    assert.equal((await page.evaluate(() => navigator.clipboard.readText())).trim(), "copy this");
    assert.ok(await busy(page), "the command still runs");
    await page.evaluate(() => getSelection().removeAllRanges());
    await commandLine(page).press("Control+c");
    await prompt(page);
    clean(page);
    await page.context().close();
  });

  test("wrong input gets what the real tools say", async () => {
    const page = await site.open();
    assert.equal(await run(page, "kubctl get pods"), "-bash: kubctl: command not found");
    assert.match(await run(page, "kubectl gt pods"), /^Error: unknown command "gt" for "kubectl"|^error: unknown command "gt" for "kubectl"/);
    assert.match(await run(page, "kubectl get pod nope"), /^Error from server \(NotFound\): pods "nope" not found$/);
    assert.equal(await run(page, "kubectl get nodes | wc -l"), "5");
    clean(page);
    await page.context().close();
  });
});
