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
try {
  const { default: start } = await import(from("program"));
  await start({ module_or_path: from("wasm") });
  root.dataset.started = "";
} catch (error) {
  failed(error);
}
