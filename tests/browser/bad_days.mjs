// Bad days as the owner sees them: a damaged index, a silent supervisor, a locked box.

import fs from "node:fs";

import { equal, holds, sound, test, Watch } from "./checks.mjs";
import { at, open, press, told } from "./first_run.mjs";
import { until } from "./rig.mjs";

async function damagedIndex({ page, watch }, box) {
  await test("a damaged index is an alert with what to do", async () => {
    await box.spoilIndex();
    await open(page, box, "/");
    await page.locator("li.alarm").first().waitFor({ timeout: 10_000 });
    await open(page, box, "/"); // the number beside Alerts is drawn with the page
    equal(await page.locator("nav.nav .count [aria-hidden]").innerText(), "1", "the number beside Alerts");
  });
  await sound(page, watch, "home, with an alert");
  await open(page, box, "/alerts");
  await sound(page, watch, "alerts, one open");
  await open(page, box, "/services/electrs");
  await sound(page, watch, "service, damaged");
  await test("an alert is marked as seen", async () => {
    await open(page, box, "/alerts");
    await press(page, "form[action='/alerts'] button");
    at(page, box, "/alerts");
    for (let more = 0; more < 5 && (await page.locator("form[action='/alerts']").count()); more += 1) {
      await press(page, "form[action='/alerts'] button"); // each alert is seen on its own
    }
    equal(await page.locator("form[action='/alerts']").count(), 0, "alerts still to be seen");
  });
  await sound(page, watch, "alerts, seen");
  await test("the index is rebuilt from the service's page", async () => {
    await open(page, box, "/services/electrs/rebuild");
    if (new URL(page.url()).pathname === "/step-up") {
      await page.fill("#password", "correct horse battery staple");
      await press(page);
    }
    await press(page, "main button.danger");
    await page.locator("#live .badge.good").first().waitFor({ timeout: 60_000 });
  });
  await test("the audit log tells the story and verifies", async () => {
    await open(page, box, "/audit");
    await press(page, "form[action='/audit'] button");
    equal(await page.locator(".notice.good").count(), 1, "good notices");
    const deeds = await page.locator("ol.list strong").allInnerTexts();
    const bare = deeds.filter((deed) => /^[a-z_]+\.[a-z_]+$/.test(deed));
    equal(bare.join(), "", "deeds without words");
  });
  await sound(page, watch, "audit, verified");
}

async function silence({ page, watch }, box) {
  await test("with the supervisor gone the pages stay, and say so", async () => {
    await open(page, box, "/");
    watch.away = true;
    await box.killSupervisor();
    await until(20, "home says it", async () => {
      await watch.refused(() => open(page, box, "/"));
      return (await page.locator(".hero .mark.bad").count()) === 1;
    });
    watch.troubles.length = 0;
  });
  await sound(page, watch, "home, supervisor silent");
  await box.start();
  await test("with the supervisor back the page turns good by itself", async () => {
    await page.locator(".hero .mark.good").waitFor({ timeout: 40_000 });
    watch.troubles.length = 0;
    watch.away = false;
  });
}

async function locked(box, launch, recovery) {
  await box.killSupervisor();
  fs.rmSync(`${box.dir}/supervisor/keys/auto-unlock.key`);
  await box.start();
  await until(30, "a locked box", () => JSON.parse(box.cli("status", "--json").out || "{}").locked === true);
  await until(30, "its pages", () => box.answers());
  // Without its key file the box shows another certificate of the same authority: a browser that trusts that one.
  const browser = await launch(box.pin());
  const page = await browser.newPage({ locale: "es-AR" });
  const watch = new Watch(page, box.url);
  try {
    await test("a box without its key file shows that it is locked", async () => {
      await open(page, box, "/services");
      at(page, box, "/locked");
    });
    await sound(page, watch, "locked");
    await test("a wrong passphrase is refused in a sentence", async () => {
      await page.fill("#passphrase", "not my passphrase");
      await watch.refused(() => press(page));
      holds((await told(page)).length > 20, "no sentence");
    });
    await sound(page, watch, "locked, refused");
    await test("the recovery code from set-up opens it, and it is good again", async () => {
      await page.fill("#passphrase", recovery);
      await press(page);
      await until(60, "good", () => box.cli("status", "--wait", "good", "--timeout", "5").ok);
    });
  } finally { await browser.close(); }
}

export async function badDays(box, browser, launch, owner) {
  await damagedIndex(owner, box);
  await silence(owner, box);
  await locked(box, launch, owner.recovery);
}
