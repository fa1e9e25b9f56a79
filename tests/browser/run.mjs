// Walks a real box in the system's Chromium: set-up as a newcomer, then every page as its owner.
//
//   node tests/browser/run.mjs          the walk; the last line counts its checks
//   node tests/browser/run.mjs shots    pictures of every page: languages, themes, sizes; axe on each
//
// CARGO_TARGET_DIR says where the debug build is, FLASHNODE_CACHE where the daemons are. VERBOSE=1 names every check.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { chromium } from "playwright-core";

import { badDays } from "./bad_days.mjs";
import { tally } from "./checks.mjs";
import { firstRun } from "./first_run.mjs";
import { ownerWalk } from "./owner.mjs";
import { withoutScript } from "./plain.mjs";
import { Box } from "./rig.mjs";
import { shots } from "./shots.mjs";

const ARGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost",
];

const found = spawnSync("sh", ["-c", "command -v chromium || command -v chromium-browser || command -v google-chrome"], { encoding: "utf8" });
const executablePath = found.stdout.trim() || "/usr/bin/chromium";

const box = await Box.make(process.argv[2] === "shots" ? "shots" : "beach");
const out = new URL("../out/", import.meta.url).pathname;
let browser;
try {
  await box.start();
  const launch = (pin) => {
    const trusting = pin ? [`--ignore-certificate-errors-spki-list=${pin}`] : [];
    return chromium.launch({ executablePath, args: [...ARGS, ...trusting] });
  };
  browser = await launch(box.pin());
  if (process.argv[2] === "shots") {
    fs.rmSync(`${out}shots`, { recursive: true, force: true });
    await shots(box, browser, launch, `${out}shots`);
  } else {
    fs.rmSync(`${out}readme`, { recursive: true, force: true });
    fs.mkdirSync(`${out}readme`, { recursive: true });
    const owner = await firstRun(box, browser, launch, `${out}readme`);
    await ownerWalk(box, browser, owner, `${out}readme`);
    await withoutScript(box, browser, owner);
    await badDays(box, browser, launch, owner);
  }
} catch (error) {
  if (!/^stopped after/.test(error.message)) {
    tally.failed += 1;
    console.log(error.stack ?? error);
  }
} finally {
  await browser?.close().catch(() => {});
  await box.end(tally.failed > 0);
}
console.log(`${tally.passed} passed, ${tally.failed} failed`);
process.exit(tally.failed ? 1 : 0);
