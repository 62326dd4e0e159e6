// 1,000 pods on 30 nodes, all Running: webernetes 0.3.5 against `kubedrill bench` in one run.
//
//     node tests/bench/webernetes.mjs [target/release/kubedrill] [pods] [nodes]
//
// webernetes is installed from npm into a scratch folder, which is removed afterwards. Its clock is the real
// one, so its wall time holds waits; processor time is printed beside it.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { register } from "node:module";
import { pathToFileURL } from "node:url";

const [program = "target/release/kubedrill", pods = "1000", nodes = "30"] = process.argv.slice(2);
const VERSION = "0.3.5";

// Its files import each other without extensions, as bundlers allow.
const resolver = `export async function resolve(name, context, next) {
  for (const end of ["", ".js", "/index.js"]) {
    try {
      return await next(name + end, context);
    } catch (error) {
      if (end === "/index.js") throw error;
    }
  }
}`;
register("data:text/javascript," + encodeURIComponent(resolver));

const folder = mkdtempSync(join(tmpdir(), "webernetes-"));
try {
  const install = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder];
  execFileSync("npm", [...install, `@ngrok/webernetes@${VERSION}`], { stdio: "inherit" });
  const main = join(folder, "node_modules/@ngrok/webernetes/dist/index.js");
  await measure(await import(pathToFileURL(main).href));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure({ BaseImage, Cluster }) {
  class Nginx extends BaseImage {
    static imageName = "nginx";
    static imageVersion = "latest";
    defaultCommand = ["server"];
    async exec(ctx, argv) {
      return argv[0] === "server" ? await ctx.waitUntilKilled() : await super.exec(ctx, argv);
    }
  }
  const cluster = new Cluster({ nodes: Number(nodes) });
  cluster.registerImage(Nginx);
  await cluster.init();

  const running = new Set();
  let done;
  const all = new Promise((resolve) => (done = resolve));
  const informer = cluster.informer("pods", (_type, pod) => {
    const name = pod.metadata.name;
    if (pod.metadata.labels?.app !== "web") return;
    pod.status?.phase === "Running" ? running.add(name) : running.delete(name);
    if (running.size === Number(pods)) done();
  });
  await informer.start?.();
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  const labels = { app: "web" };
  const spec = { containers: [{ name: "nginx", image: "nginx" }] };
  await cluster.apply([
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web", namespace: "default" },
      spec: { replicas: Number(pods), selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    },
  ]);
  const beat = setInterval(() => process.stderr.write(`${running.size} of ${pods} Running\r`), 5000);
  await all;
  clearInterval(beat);
  const wall = (performance.now() - began) / 1000;
  const used = process.cpuUsage(cpu);
  const theirs = (used.user + used.system) / 1e6;
  const memory = Math.round(process.resourceUsage().maxRSS / 1024);
  const rows = JSON.parse(execFileSync(program, ["bench", "--json", "--only", "1,000 pods on 30 nodes"]));
  const ours = rows[0].value;
  console.log(`webernetes ${VERSION}: ${wall.toFixed(1)} s, ${theirs.toFixed(1)} s of processor time, ${memory} MB`);
  console.log(`kubedrill: ${ours.toFixed(3)} s of processor time (1,000 pods on 30 nodes)`);
  console.log(`ratio: ${(wall / ours).toFixed(0)} in time, ${(theirs / ours).toFixed(0)} in processor time`);
  rmSync(folder, { recursive: true, force: true });
  process.exit(); // its timers would keep the program
}
