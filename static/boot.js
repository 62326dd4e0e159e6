// Starts the program. A file of its own because the page's policy allows no inline script; the
// build writes the program's hashed names into this script's own tag.

const root = document.documentElement;

/** `?lang=ko` first, then what the visitor chose before, then the browser's languages. */
function language() {
  const asked = new URLSearchParams(location.search).get("lang");
  const wishes = [asked, remembered("kubedrill.lang"), ...navigator.languages];
  const known = wishes.map((wish) => (wish ?? "").slice(0, 2).toLowerCase());
  return known.find((wish) => wish === "ko" || wish === "en") ?? "en";
}

function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // Storage is closed to us, as in some embedded frames.
  }
}

function part(name) {
  return document.querySelector(`[data-boot="${name}"]`);
}

function failed(error) {
  console.error(error);
  const reason = part("reason");
  if (!reason) return; // The program had mounted: its own crash screen speaks.
  reason.textContent = String(error);
  reason.hidden = false;
  part("failed").hidden = false;
  part("loading").hidden = true;
}

root.lang = language();
const tag = document.querySelector("script[data-wasm]");
const from = (name) => new URL(tag.dataset[name], document.baseURI).href;

// The program comes in two files (see xtask/src/split): this one's exports, once it is started,
// are what the second one imports. A build for development has no second file.
let first;
let whole = !tag.dataset.rest;

/** The second file's download, once it has begun; `null` before, and when it has failed. */
let coming = null;

function complete(rest) {
  if (whole) return;
  new WebAssembly.Instance(rest, { first });
  whole = true;
}

async function compiled(url, signal) {
  const answer = await fetch(url, { signal });
  if (!answer.ok) throw new Error(`${answer.status} ${url}`);
  // The first file is packed wherever there is a second one.
  if (!whole && url === from("wasm")) {
    const [{ unpack }, bytes] = await Promise.all([import("./unpack.js"), answer.arrayBuffer()]);
    return WebAssembly.compile(unpack(new Uint8Array(bytes)));
  }
  const streams = answer.headers.get("content-type") === "application/wasm";
  return streams ? WebAssembly.compileStreaming(answer) : WebAssembly.compile(await answer.arrayBuffer());
}

/** Bytes, now: the program stands in the middle of a call that needs them. */
function bytes(url) {
  const request = new XMLHttpRequest();
  request.open("GET", url, false);
  // The one way to get bytes without waiting: as characters.
  request.overrideMimeType("text/plain; charset=x-user-defined");
  request.send();
  if (request.status !== 200) throw new Error(`${request.status} ${url}`);
  return Uint8Array.from(request.responseText, (char) => char.charCodeAt(0));
}

function fetchNow() {
  // Two downloads of one address wait for each other, and the first cannot go on while this one waits.
  coming?.abort();
  while (!whole) {
    try {
      complete(new WebAssembly.Module(bytes(from("rest"))));
    } catch (error) {
      console.error(error);
      const words = {
        en: "A part of Kubedrill is still missing, and it cannot be fetched. Try again?",
        ko: "Kubedrill의 나머지 부분을 받지 못했습니다. 다시 시도할까요?",
      };
      if (!confirm(words[root.lang])) throw error;
    }
  }
}

/** Fetches the rest while nothing waits for it. If that fails, the next sign of work tries again. */
function fetchSoon() {
  if (whole || coming) return;
  coming = new AbortController();
  const failed = (error) => {
    coming = null;
    if (!whole) console.info(error);
  };
  compiled(from("rest"), coming.signal).then(complete).catch(failed);
}

/** The visitor is about to work with it: then the rest is worth its bytes, before it is needed. */
function expectWork() {
  const near = ({ target }) => target.closest?.("#stage, #terminal, #lesson") && fetchSoon();
  addEventListener("pointermove", near, { passive: true });
  for (const sign of ["pointerdown", "keydown", "focusin"]) addEventListener(sign, fetchSoon, { capture: true, passive: true });
}

// A link to a session or to a drill is work from the start: it is replayed, or read as a whole.
const work = /[#&]session=/.test(location.hash) || /[?&]lesson=/.test(location.search);
const rest = !whole && work && compiled(from("rest")).catch(() => null);
const { instantiate } = WebAssembly;
WebAssembly.instantiate = async (program, imports) => {
  const instance = await instantiate(program, { ...imports, rest: { fetchNow } });
  first = instance.exports;
  const module = await rest;
  if (module) complete(module);
  return instance;
};
try {
  const wasm = compiled(from("wasm"));
  const { default: start } = await import(from("program"));
  await start({ module_or_path: await wasm });
  root.dataset.started = "";
  if (!whole) expectWork();
} catch (error) {
  failed(error);
}
