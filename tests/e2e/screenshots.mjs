// Pictures of the built page in the sizes it is designed for. Usage: screenshots.mjs [DIR]

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { standalone } from "./harness.mjs";

const SIZES = [
  { name: "desktop", width: 1440, height: 900 },
  { name: "laptop", width: 1280, height: 720 },
  { name: "phone", width: 390, height: 844, touch: true },
  { name: "embed", width: 720, height: 480, query: { embed: "1" } },
];

const out = process.argv[2] ?? "target/screenshots";
mkdirSync(out, { recursive: true });
const site = await standalone();
try {
  for (const { name, ...size } of SIZES) {
    for (const theme of ["light", "dark"]) {
      for (const lang of ["en", "ko"]) {
        const page = await site.open({ ...size, theme, lang });
        await page.waitForTimeout(500);
        const file = join(out, `${name}-${theme}-${lang}.png`);
        await page.screenshot({ path: file });
        console.log(file + (page.problems.length ? `  ! ${page.problems.join("; ")}` : ""));
        await page.context().close();
      }
    }
  }
} finally {
  await site.close();
}
