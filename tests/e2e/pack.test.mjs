// The packed program, unpacked, is the program that the build packed (target/first-load.wasm), but for
// lengths that are written wider.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

const path = (name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

/** A module's sections: number and bytes. Of the code the functions. */
function sections(wasm) {
  let at = 8;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = wasm[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const found = [];
  while (at < wasm.length) {
    const id = wasm[at++];
    const end = number() + at;
    if (id === 10) {
      const count = number();
      for (let i = 0; i < count; i++) {
        const length = number();
        found.push([`function ${i}`, Buffer.from(wasm.subarray(at, at + length))]);
        at += length;
      }
    } else {
      found.push([id, Buffer.from(wasm.subarray(at, end))]);
    }
    at = end;
  }
  return found;
}

test("what is unpacked is what was packed", async () => {
  const html = readFileSync(path("dist/index.html"), "utf8");
  const [, name] = html.match(/data-wasm=["']?\.?\/?([^"'\s>]+)/);
  const script = readFileSync(path("static/unpack.js"), "utf8");
  const { unpack } = await import(`data:text/javascript,${encodeURIComponent(script)}`);
  const unpacked = unpack(new Uint8Array(readFileSync(path(`dist/${name}`))));
  assert.ok(WebAssembly.validate(unpacked));
  const got = sections(unpacked);
  const want = sections(readFileSync(path("target/first-load.wasm")));
  assert.equal(got.length, want.length);
  for (const [i, [id, bytes]] of want.entries()) {
    assert.equal(got[i][0], id);
    assert.ok(got[i][1].equals(bytes), `section ${id} differs`);
  }
});
