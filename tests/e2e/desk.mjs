// What a learner does at the playground, as functions: type a line, look at a pod, set the speed.
// Everything is found by role and accessible name, as someone who cannot see the page finds it.

import assert from "node:assert/strict";

/** Names that differ between the languages. */
export const WORDS = {
  en: {
    allDone: "Drill complete",
    copyLink: "Copy link",
    doIt: "Do it",
    done: "Done",
    download: "Download zip",
    export: "Lab bundle",
    inspector: "Inspector",
    interrupt: "Interrupt",
    lesson: "Lesson",
    menu: "Menu",
    notRunning: "not running",
    pause: "Pause",
    share: "Share",
    speed: "Speed",
    stage: "Cluster",
    terminal: "Terminal",
    timeline: "Timeline",
  },
  ko: {
    allDone: "실습을 마쳤습니다",
    copyLink: "링크 복사",
    doIt: "해 보기",
    done: "완료",
    download: "zip 내려받기",
    export: "실습 묶음",
    inspector: "살펴보기",
    interrupt: "중단",
    lesson: "학습",
    menu: "메뉴",
    notRunning: "멈춤",
    pause: "일시 정지",
    share: "공유",
    speed: "속도",
    stage: "클러스터",
    terminal: "터미널",
    timeline: "타임라인",
  },
};

/** Waits until `look` gives something true, and gives that. The page's policy forbids in-page polling by text. */
export async function until(what, look, ms = 10_000) {
  const end = Date.now() + ms;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) assert.fail(`waited ${ms} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** The words of the language the page is in. */
export async function words(page) {
  return WORDS[await page.locator("html").getAttribute("lang")];
}

/** Names of the open terminal's parts. */
export const commandLine = (page) => page.locator("#terminal").getByRole("textbox");
export const tab = (page, machine) => page.locator("#terminal").getByRole("tab", { name: machine, exact: true });
const interruptButton = (page, say) => page.locator("#terminal").getByRole("button", { name: say.interrupt });

/** What the open terminal shows, as lines. */
export async function log(page) {
  const text = await page.locator("#terminal").getByRole("log").textContent();
  return text.split("\n").slice(0, -1);
}

/** Types a line and presses Enter; waits until the terminal has taken it. */
export async function submit(page, line) {
  const echoes = async () => (await log(page)).filter((row) => row.endsWith(`]# ${line}`)).length;
  const before = await echoes();
  await commandLine(page).fill(line);
  await commandLine(page).press("Enter");
  await until(`the terminal shows \`${line}\``, async () => (await echoes()) > before);
}

/** Whether a command runs in the open terminal. */
export async function busy(page) {
  return (await interruptButton(page, await words(page)).count()) > 0;
}

/** Waits for the prompt. */
export async function prompt(page, ms) {
  await until("the prompt", async () => !(await busy(page)), ms);
}

/** Runs a line at the open terminal; gives what it printed. */
export async function run(page, line, ms) {
  await submit(page, line);
  await prompt(page, ms);
  const rows = await log(page);
  const echo = rows.findLastIndex((row) => row.endsWith(`]# ${line}`));
  return rows.slice(echo + 1).join("\n");
}

/** Opens a machine's terminal. */
export async function goTo(page, machine) {
  await tab(page, machine).click();
  await until(`the terminal of ${machine}`, async () => {
    return (await tab(page, machine).getAttribute("aria-selected")) === "true";
  });
}

/** Sets how fast time runs: `5×`. */
export async function speed(page, factor) {
  const say = await words(page);
  await page.getByRole("combobox", { name: say.speed }).selectOption({ label: factor });
}

/** Stops the clock. */
export async function pause(page) {
  const say = await words(page);
  const button = page.getByRole("button", { name: say.pause, exact: true });
  if (await button.count()) await button.click();
}

/** The handle of the timeline. */
export async function handle(page) {
  const say = await words(page);
  return page.getByRole("slider", { name: say.timeline });
}

/** What the stage says of every pod outside kube-system, sorted. */
export async function pods(page) {
  const said = await page.locator("#stage [role=button][data-pod]:not(.quiet) > title").allTextContents();
  return said.sort();
}

/** Waits until the stage says of a pod what `pattern` matches. */
export async function seePod(page, pattern, ms) {
  return await until(`a pod ${pattern} on the stage`, async () => (await pods(page)).find((p) => pattern.test(p)), ms);
}

/** A machine's component on the stage: `w1-k8s kubelet, running`. */
export function part(page, name) {
  return page.locator("#stage").getByRole("button", { name, exact: true });
}

/** A step of the lesson, by its id. */
export const step = (page, id) => page.locator(`#lesson [data-step=${id}]`);

/** Waits until a step of the lesson is done. */
export async function stepDone(page, id, ms) {
  const say = await words(page);
  const head = step(page, id).getByRole("button", { name: new RegExp(`\\(${say.done}\\)`) });
  await head.first().waitFor({ timeout: ms ?? 10_000 });
}

/** Keeps every state of a machine's box and every caption from now on; what it gives ends that and asserts one. */
export async function lookout(page) {
  await page.evaluate(() => {
    window.shown = [];
    const look = () => {
      for (const said of document.querySelectorAll("#stage .machine-head title, #stage .caption")) {
        if (!window.shown.includes(said.textContent)) window.shown.push(said.textContent);
      }
    };
    window.lookout = setInterval(look, 16);
  });
  return async () => {
    const all = await page.evaluate(() => {
      clearInterval(window.lookout);
      return window.shown;
    });
    return (pattern) => assert.ok(all.some((said) => pattern.test(said)), `${pattern} was shown: ${all.join(" | ")}`);
  };
}
