// The lab bundle: its view with every line explained, its knobs, a file, and what is in it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { words } from "./desk.mjs";
import { axe, clean, playground } from "./harness.mjs";
import { unzip } from "./zip.mjs";

/** Opens the bundle's view. */
async function open(page) {
  const say = await words(page);
  await page.getByRole("button", { name: say.export }).click();
  const view = page.getByRole("dialog", { name: say.export });
  await view.waitFor();
  return view;
}

describe("the lab bundle", { concurrency: 2 }, () => {
  const site = playground();

  test("downloads and opens", async () => {
    const page = await site.open({ query: { lesson: "kubelet-stopped" } });
    const view = await open(page);
    const waiting = page.waitForEvent("download");
    await view.getByRole("button", { name: "Download zip" }).click();
    const download = await waiting;
    assert.equal(download.suggestedFilename(), "kubedrill-kubelet-stopped-book.zip");
    const files = unzip(await readFile(await download.path()));
    const names = [...files.keys()];
    const has = (pattern) => assert.ok(names.some((name) => pattern.test(name)), `${pattern} in ${names.join(" ")}`);
    for (const pattern of [/(^|\/)Vagrantfile$/, /README/, /drills\/kubelet-stopped\/run\.sh$/, /verify\.sh$/, /nginx-pod\.yaml$/]) {
      has(pattern);
    }
    const scripts = names.filter((name) => name.endsWith(".sh"));
    assert.ok(scripts.length >= 4, scripts.join(" "));
    for (const name of scripts) assert.match(files.get(name).text, /^#!/, name);
    const drill = names.find((name) => name.endsWith("/run.sh"));
    assert.ok(files.get(drill).executable);
    assert.match(files.get(drill).text, /systemctl stop kubelet/);
    await page.keyboard.press("Escape");
    await view.waitFor({ state: "detached" });
    clean(page);
    await page.context().close();
  });

  test("every line of the scripts is explained", async () => {
    const page = await site.open({ lang: "ko", theme: "dark", query: { lesson: "kubelet-stopped" } });
    const view = await open(page);
    for (const name of ["Vagrantfile", "config.sh", "install_pkg.sh", "master_node.sh", "work_nodes.sh"]) {
      await view.getByRole("button", { name, exact: true }).click();
      const source = view.getByRole("region", { name });
      await source.waitFor();
      assert.ok((await source.locator(".note").count()) > 3, name);
    }
    await view.getByRole("button", { name: "config.sh", exact: true }).click();
    const source = view.getByRole("region", { name: "config.sh" });
    await source.getByText("Δ swap").first().waitFor();
    assert.match(await source.locator(".note").first().innerText(), /[가-힣]/);
    await axe(page);
    clean(page);
    await page.context().close();
  });

  test("impossible knobs are refused beside their fields, others change the files", async () => {
    const page = await site.open({ query: { lesson: "kubelet-stopped" } });
    const view = await open(page);
    const button = view.getByRole("button", { name: "Download zip" });
    for (const [field, wrong, reason] of [
      ["Worker nodes", "12", /1 to 9/],
      ["Worker nodes", "many", /whole number/],
      ["Network prefix", "8.8.8", /private/],
      ["Kubernetes version", "$(id)", /MAJOR\.MINOR\.PATCH|expected/],
    ]) {
      const input = view.getByLabel(field);
      const right = await input.inputValue();
      await input.fill(wrong);
      const why = view.locator(`#${await input.getAttribute("aria-describedby")}`);
      assert.match(await why.innerText(), reason);
      assert.equal(await input.getAttribute("aria-invalid"), "true");
      assert.ok(await button.isDisabled());
      if (field === "Network prefix") await axe(page);
      await input.fill(right);
      await why.waitFor({ state: "detached" });
    }
    await view.getByLabel("Worker nodes").fill("9");
    await view.getByRole("combobox", { name: "Profile" }).selectOption("modern");
    await view.getByRole("button", { name: "Vagrantfile", exact: true }).click();
    assert.match(await view.getByRole("region", { name: "Vagrantfile" }).innerText(), /WORKERS = 9/);
    const waiting = page.waitForEvent("download");
    await button.click();
    assert.equal((await waiting).suggestedFilename(), "kubedrill-kubelet-stopped-modern.zip");
    clean(page);
    await page.context().close();
  });
});
