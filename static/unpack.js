// Puts together again what the build has rearranged to compress better: see xtask/src/split/pack.rs, whose
// streams and opcodes these are.

const [BEFORE, EXPORTS, SHARED, BETWEEN, SLOTS, AFTER, LOCALS, OPS, BLOCKS, BRANCHES, CALLS, TYPES, GET, SET, TEE, OFFSETS, ALIGNS, SMALL, ADDRESSES, PLACES, OTHERS, STREAMS] =
  Array(22).keys();

/** By opcode: the stream of its one operand, or what else is to be done. */
const PLAIN = 30, BLOCK = 31, END = 32, TABLE = 33, INDIRECT = 34, MEMORY = 35, BYTES = 36, MORE = 37, ADDRESS = 38, LATE = 39, ODD = 40;
const KINDS = new Uint8Array(256).fill(PLAIN);
const fill = (kind, ...ops) => ops.forEach((op) => (KINDS[op] = kind));
fill(BLOCK, 2, 3, 4);
fill(END, 0x0b);
fill(BRANCHES, 0x0c, 0x0d);
fill(TABLE, 0x0e);
fill(CALLS, 0x10);
fill(INDIRECT, 0x11);
fill(GET, 0x20);
fill(SET, 0x21);
fill(TEE, 0x22);
fill(SMALL, 0x41);
fill(OTHERS, 0x23, 0x24, 0x25, 0x26, 0x3f, 0x40, 0x42, 0xd0, 0xd2);
fill(BYTES, 0x43, 0x44);
KINDS.fill(MEMORY, 0x28, 0x3f);
fill(ADDRESS, 0xe0);
fill(LATE, 0xe1);
fill(ODD, 0xe2);
fill(MORE, 0xfc);
const USUAL = [2, 3, 2, 3, 0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 2, 3, 2, 3, 0, 1, 0, 1, 2];

/** A packed program's wasm: the lengths of functions and of two sections are written wider than need be. */
export function unpack(packed) {
  // Where each stream is read; in the end, where the numbers at the beginning are.
  const at = new Int32Array(STREAMS + 1);
  const read = () => number(packed, at, STREAMS);
  const [length, functions, ask, named, start, slots] = Array.from({ length: 6 }, read);
  const lengths = Array.from({ length: STREAMS }, read);
  lengths.reduce((start, length, stream) => (at[stream] = start) + length, at[STREAMS]);

  const out = new Uint8Array(length + 3 * functions + 64);
  let to = 0;
  const whole = (stream) => {
    out.set(packed.subarray(at[stream], at[stream] + lengths[stream]), to);
    to += lengths[stream];
  };
  const section = (id, write) => {
    out[to] = id;
    const from = to + 5;
    to = write(from);
    sized(out, from, to, 4);
  };

  whole(BEFORE);
  section(7, (from) => {
    const end = at[SHARED] + lengths[SHARED];
    const shared = [];
    for (let f = 0; at[SHARED] < end; ) shared.push((f += number(packed, at, SHARED)));
    to = put(out, from, named + shared.length);
    whole(EXPORTS);
    for (const f of shared) {
      const name = `f${f}`;
      out[to++] = name.length;
      for (const char of name) out[to++] = char.charCodeAt(0);
      out[to++] = 0;
      to = put(out, to, f);
    }
    return to;
  });
  whole(BETWEEN);
  section(9, (from) => {
    to = from;
    out[to++] = 1;
    out[to++] = 0;
    out[to++] = 0x41;
    to = signed(out, to, start);
    out[to++] = 0x0b;
    to = put(out, to, slots);
    const last = [0, 0];
    for (let i = 0; i < slots; i++) {
      const step = number(packed, at, SLOTS);
      to = put(out, to, (last[step & 1] += ((step >>> 2) ^ -((step >>> 1) & 1)) + 1));
    }
    return to;
  });
  section(10, (from) => code(packed, at, out, put(out, from, functions), functions, ask));
  whole(AFTER);
  return out.subarray(0, to);
}

function number(packed, at, stream) {
  let value = 0;
  let shift = 0;
  let byte;
  do {
    byte = packed[at[stream]++];
    value |= (byte & 127) << shift;
    shift += 7;
  } while (byte > 127);
  return value;
}

function step(packed, at, stream) {
  const value = number(packed, at, stream);
  return (value >>> 1) ^ -(value & 1);
}

function put(out, to, value) {
  for (; value > 127; value >>>= 7) out[to++] = value | 128;
  out[to++] = value;
  return to;
}

function signed(out, to, value) {
  for (; value > 63 || value < -64; value >>= 7) out[to++] = value | 128;
  out[to++] = value & 127;
  return to;
}

/** Writes how long that is, in so many bytes before it. */
function sized(out, from, to, width) {
  for (let i = 0; i < width; i++) out[from - width + i] = (((to - from) >> (7 * i)) & 127) | (i + 1 < width ? 128 : 0);
}

/** The functions, one long loop: a browser runs it before it has compiled it. */
function code(packed, at, out, to, functions, ask) {
  let address = 0;
  let place = 0;
  let ops = at[OPS];
  for (let f = 0; f < functions; f++) {
    const from = (to += 3);
    const groups = number(packed, at, LOCALS);
    to = put(out, to, groups);
    for (let i = 0; i < groups; i++) {
      to = put(out, to, number(packed, at, LOCALS));
      out[to++] = packed[at[LOCALS]++];
    }
    let depth = 1;
    let align = -1;
    while (depth) {
      const op = packed[ops++];
      const kind = KINDS[op];
      if (kind < ADDRESS) out[to++] = op;
      let operand = kind;
      let operands = 1;
      switch (kind) {
        case PLAIN:
          continue;
        case END:
          depth--;
          continue;
        case MEMORY:
          out[to++] = align < 0 ? USUAL[op - 0x28] : align;
          align = -1;
          operand = OFFSETS;
          break;
        case ADDRESS:
          out[to++] = 0x41;
          to = signed(out, to, (address += step(packed, at, ADDRESSES)));
          continue;
        case BLOCK:
          depth++;
          operand = BLOCKS;
          break;
        case LATE:
          out[to++] = 0x41;
          to = signed(out, to, (place += step(packed, at, PLACES) + 1));
          out[to++] = 0x10;
          to = put(out, to, ask);
          out[to++] = 0x11;
        case INDIRECT:
          to = put(out, to, number(packed, at, TYPES));
          out[to++] = 0;
          continue;
        case TABLE:
          operands = number(packed, at, BRANCHES);
          to = put(out, to, operands++);
          operand = BRANCHES;
          break;
        case ODD:
          align = number(packed, at, ALIGNS);
          continue;
        case BYTES:
          for (let i = op === 0x43 ? 4 : 8; i; i--) out[to++] = packed[at[OTHERS]++];
          continue;
        case MORE: {
          const more = (out[to++] = packed[ops++]);
          operands = more < 8 ? 0 : more < 15 && more % 2 === 0 ? 2 : 1;
          operand = OTHERS;
        }
      }
      let next = at[operand];
      for (; operands; operands--) {
        while ((out[to++] = packed[next++]) > 127);
      }
      at[operand] = next;
    }
    sized(out, from, to, 3);
  }
  return to;
}
