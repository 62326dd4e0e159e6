// Weighs what the first visit loads: index.html and everything it names, as it lies in dist/.
// Ends with 1 if the sum at brotli's best is over the budget.

import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const { values } = parseArgs({
  options: {
    dist: { type: "string", default: fileURLToPath(new URL("../../dist", import.meta.url)) },
    "budget-kb": { type: "string" },
    "target-kb": { type: "string" },
  },
});

function weigh(name) {
  const bytes = readFileSync(join(values.dist, name));
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_LGWIN]: 24,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  return {
    name: basename(name),
    raw: bytes.length,
    gzip: gzipSync(bytes, { level: 9 }).length,
    brotli: brotliCompressSync(bytes, { params }).length,
  };
}

const html = readFileSync(join(values.dist, "index.html"), "utf8");
const attributes = /\s(?:href|src|data-program|data-wasm)=["']?([^"'\s>]+)/g;
const named = [...html.matchAll(attributes)].map(([, url]) => url);
const local = named.filter((url) => !/^(#|data:|[a-z]+:\/\/)/.test(url));
const files = [...new Set(["index.html", ...local.map((url) => url.replace(/^\.?\//, ""))])];

const rows = files.map(weigh).sort((a, b) => b.brotli - a.brotli);
const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
const all = { name: "first load", raw: sum("raw"), gzip: sum("gzip"), brotli: sum("brotli") };

// Fetched when the visitor has begun to work: see xtask/src/split.
const rest = html.match(/data-rest=["']?\.?\/?([^"'\s>]+)/);

const kb = (bytes) => (bytes / 1000).toFixed(1).padStart(9);
console.log(`${"kB".padEnd(44)}      raw     gzip   brotli`);
for (const { name, raw, gzip, brotli } of [...rows, all, ...(rest ? [{ ...weigh(rest[1]), name: "later" }] : [])]) {
  console.log(`${name.padEnd(40)}${kb(raw)}${kb(gzip)}${kb(brotli)}`);
}

const total = all.brotli / 1000;
const [budget, target] = [Number(values["budget-kb"]), Number(values["target-kb"])];
console.log(`first load ${total.toFixed(1)} kB brotli; target ${target} kB, budget ${budget} kB`);
if (total > budget) {
  console.error(`over the budget by ${(total - budget).toFixed(1)} kB`);
  process.exitCode = 1;
}
