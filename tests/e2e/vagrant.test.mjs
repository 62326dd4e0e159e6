// The lab is built in the browser: machines are destroyed, a script breaks, `vagrant up` stops where it
// does, the script is mended, and `vagrant up` makes the cluster while the picture shows each machine's
// state.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { commandLine, goTo, lookout, prompt, run, speed, until } from "./desk.mjs";
import { clean, playground } from "./harness.mjs";

/** Opens a file of the host in the editor, changes its text and saves it. */
async function edit(page, { files, save, close }, path, change) {
  await page.locator("#terminal").getByRole("button", { name: files }).click();
  const editor = page.getByRole("dialog", { name: `${files} · host` });
  await editor.getByRole("button", { name: path, exact: true }).click();
  const text = editor.getByRole("textbox", { name: path });
  const before = await text.inputValue();
  const after = change(before);
  assert.notEqual(after, before, `${path} changes`);
  await text.fill(after);
  await editor.getByRole("button", { name: save }).click();
  await editor.getByRole("button", { name: close }).click();
}

/** Types a line at the host and waits for its end; gives what the terminal shows then. */
async function atHost(page, line, ms = 60_000) {
  await commandLine(page).fill(line);
  await commandLine(page).press("Enter");
  await page.waitForTimeout(100);
  await prompt(page, ms);
  return (await page.locator("#terminal").getByRole("log").textContent()).split(`$ ${line}\n`).at(-1);
}

const WORDS = {
  en: {
    files: "Files", save: "Save", close: "Close",
    gone: /^m-k8s .*no such machine yet/, boots: /^m-k8s .*booting/, runs: /^m-k8s .*runs install_pkg\.sh/,
    joins: /^w\d-k8s .*(NotReady|install_pkg|work_nodes)/, failed: /master_node\.sh fails on m-k8s/,
  },
  ko: {
    files: "파일", save: "저장", close: "닫기",
    gone: /^m-k8s .*아직 없는 머신/, boots: /^m-k8s .*부팅 중/, runs: /^m-k8s .*실행: install_pkg\.sh/,
    joins: /^w\d-k8s .*(NotReady|install_pkg|work_nodes)/, failed: /m-k8s에서 master_node\.sh 스크립트가 실패/,
  },
};

describe("vagrant up", { concurrency: 2 }, () => {
  const site = playground();

  for (const lang of ["en", "ko"]) {
    test(`fails where a script breaks, and succeeds once it is mended: ${lang}`, async () => {
      const say = WORDS[lang];
      const page = await site.open({ lang });
      await speed(page, "60×");
      await goTo(page, "host");
      await atHost(page, "cd lab");
      const first = await lookout(page);
      await atHost(page, "vagrant destroy -f");
      // Swap stays on: kubeadm refuses to begin.
      await edit(page, say, "/home/learner/lab/config.sh", (text) => text.replace(/^swapoff.*$/m, "# forgotten"));
      const failed = await atHost(page, "vagrant up");
      assert.match(failed, /\[ERROR Swap\]/);
      assert.match(failed, /non-zero exit status/);
      assert.doesNotMatch(failed, /w1-k8s: Booting VM/, "no other machine is begun");
      const broke = await first();
      for (const shown of [say.gone, say.boots, say.runs, say.failed]) broke(shown);

      await atHost(page, "vagrant destroy -f");
      await edit(page, say, "/home/learner/lab/config.sh", (text) => text.replace("# forgotten", "swapoff -a"));
      const second = await lookout(page);
      assert.match(await atHost(page, "vagrant up"), /w3-k8s: This node has joined the cluster/);
      const built = await second();
      for (const shown of [say.boots, say.runs, say.joins]) built(shown);

      await goTo(page, "m-k8s");
      const ready = async () => ((await run(page, "kubectl get nodes")).match(/ Ready /g) ?? []).length === 4;
      await until("four nodes are Ready", ready, 20_000);
      clean(page);
      await page.context().close();
    });
  }
});
