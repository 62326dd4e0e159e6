// The lab bundle: a click, a file, and what is in it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { words } from "./desk.mjs";
import { clean, playground } from "./harness.mjs";
import { unzip } from "./zip.mjs";

describe("the lab bundle", { concurrency: 2 }, () => {
  const site = playground();

  test("downloads and opens", async () => {
    const page = await site.open({ query: { lesson: "kubelet-stopped" } });
    const say = await words(page);
    const waiting = page.waitForEvent("download");
    await page.getByRole("button", { name: say.export }).click();
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
    clean(page);
    await page.context().close();
  });
});
