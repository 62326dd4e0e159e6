// The picture can be read: nothing covers anything else, nothing sticks out, names have their own
// colour. axe-core looks at no text inside pictures, so this does.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { run, seePod, speed } from "./desk.mjs";
import { clean, playground } from "./harness.mjs";

const LESSON = { lesson: "kubelet-stopped" };
const SIZES = [
  ["desktop", { width: 1440, height: 900 }],
  ["desktop, moving", { width: 1440, height: 900, motion: true }],
  ["laptop", { width: 1280, height: 720 }],
  ["tablet", { width: 820, height: 1180 }],
  ["phone", { width: 390, height: 844, touch: true }],
  ["embedded", { width: 720, height: 480, query: { ...LESSON, embed: "1" } }],
];

/** What is wrong with the picture, in words. */
function faults() {
  const found = [];
  const stage = document.querySelector("#stage svg").getBoundingClientRect();
  const boxes = [...document.querySelectorAll("#stage [data-part] > rect.chip, #stage [data-pod] > path.cell")];
  const placed = boxes.map((box) => ({
    name: box.parentNode.querySelector("title").textContent,
    ...box.getBoundingClientRect().toJSON(),
  }));
  const apart = (a, b) => a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 1 || b.bottom <= a.top + 1;
  for (const [i, a] of placed.entries()) {
    const inside = a.left >= stage.left && a.right <= stage.right && a.top >= stage.top && a.bottom <= stage.bottom;
    if (!inside) found.push(`${a.name} sticks out`);
    for (const b of placed.slice(i + 1)) if (!apart(a, b)) found.push(`${a.name} covers ${b.name}`);
  }
  for (const text of document.querySelectorAll("#stage text")) {
    const { stroke, paintOrder } = getComputedStyle(text);
    if (stroke !== "none" && !paintOrder.startsWith("stroke")) found.push(`"${text.textContent}" is drawn over by ${stroke}`);
  }
  return found;
}

describe("the picture can be read", { concurrency: 2 }, () => {
  const site = playground();

  for (const [name, size] of SIZES) {
    test(name, async () => {
      const page = await site.open({ query: LESSON, ...size });
      assert.deepEqual(await page.evaluate(faults), []);
      clean(page);
      await page.context().close();
    });
  }

  for (const width of [1440, 1280]) {
    test(`beside the inspector: ${width} px`, async () => {
      const page = await site.open({ query: LESSON, width });
      await page.locator("#stage").getByRole("button", { name: /^w1-k8s 192/ }).click();
      await page.getByRole("complementary", { name: "Inspector" }).waitFor();
      await page.evaluate(() => new Promise(requestAnimationFrame));
      assert.deepEqual(await page.evaluate(faults), []);
      clean(page);
      await page.context().close();
    });
  }

  test("a dozen pods find their places", async () => {
    const page = await site.open();
    await speed(page, "20×");
    await run(page, "kubectl create deployment web --image=nginx");
    await run(page, "kubectl scale deployment web --replicas=12");
    await seePod(page, /^web-.*running \(Running\)/);
    await page.waitForTimeout(500);
    assert.deepEqual(await page.evaluate(faults), []);
    clean(page);
    await page.context().close();
  });
});
