// Opens a zip archive, as strictly as the tests need: every entry is found through the central
// directory, unpacked and checked against its checksum.

import assert from "node:assert/strict";
import { crc32, inflateRawSync } from "node:zlib";

const END = 0x06054b50;
const CENTRAL = 0x02014b50;

/** The entries of an archive: name → { text, executable }. */
export function unzip(bytes) {
  const end = bytes.length - 22;
  assert.equal(bytes.readUInt32LE(end), END, "the archive ends where it says");
  const files = new Map();
  let at = bytes.readUInt32LE(end + 16);
  for (let i = bytes.readUInt16LE(end + 10); i > 0; i--) {
    assert.equal(bytes.readUInt32LE(at), CENTRAL);
    const length = bytes.readUInt16LE(at + 28);
    const name = bytes.toString("utf8", at + 46, at + 46 + length);
    files.set(name, { text: content(bytes, at, name), executable: ((bytes.readUInt32LE(at + 38) >>> 16) & 0o111) > 0 });
    at += 46 + length + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return files;
}

function content(bytes, at, name) {
  const local = bytes.readUInt32LE(at + 42);
  const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
  const packed = bytes.subarray(start, start + bytes.readUInt32LE(at + 20));
  const plain = bytes.readUInt16LE(at + 10) === 8 ? inflateRawSync(packed) : packed;
  assert.equal(crc32(plain), bytes.readUInt32LE(at + 16), `${name} is whole`);
  return plain.toString("utf8");
}
