// The same box without JavaScript: plain links and forms do everything.

import { equal, fits, holds, PHONE, test, Watch } from "./checks.mjs";
import { at, open, press } from "./first_run.mjs";
import { signIn } from "./owner.mjs";
import { OWNER } from "./pages.mjs";
import { until } from "./rig.mjs";

export async function withoutScript(box, browser) {
  const context = await browser.newContext({ javaScriptEnabled: false, locale: "pt-BR", viewport: PHONE });
  const page = await context.newPage();
  const watch = new Watch(page, box.url);
  await test("without JavaScript: signing in", async () => {
    await signIn(page, box);
    at(page, box, "/");
    await until(20, "home says that all is fine", async () => {
      await open(page, box, "/");
      return (await page.locator(".hero .mark.good").count()) === 1;
    });
  });
  await test("without JavaScript: every page opens", async () => {
    for (const [, path] of OWNER) {
      await open(page, box, path);
      at(page, box, path);
      equal(await page.locator("h1").count(), 1, `headings of ${path}`);
    }
    watch.clean();
  });
  await test("without JavaScript: a service is restarted", async () => {
    const before = box.pid("electrs");
    await open(page, box, "/services/electrs/act/restart");
    await press(page);
    at(page, box, "/services/electrs");
    for (let tries = 0; tries < 60 && (box.pid("electrs") ?? before) === before; tries += 1) await page.waitForTimeout(500);
    holds(box.pid("electrs") !== before, "it is the same process");
  });
  await test("without JavaScript: the log is searched, blocks are mined", async () => {
    await open(page, box, "/services/lnd");
    await page.fill("input[name=q]", "wallet");
    await press(page, "form[role=search] button");
    holds((await page.locator("pre.log").innerText()).toLowerCase().includes("wallet"), "nothing was found");
    await open(page, box, "/playground");
    await press(page, "form[action='/playground/mine'] button");
    equal(await page.locator(".notice.good").count(), 1, "notices");
  });
  await test("without JavaScript: /trust does not pretend to know", async () => {
    await open(page, box, "/trust");
    equal(await page.locator("#trust-check .notice.info").count(), 1, "plain notices");
  });
  await test("without JavaScript: signing out", async () => {
    await open(page, box, "/more");
    await press(page, "main form[action='/sign-out'] button");
    at(page, box, "/sign-in");
    await open(page, box, "/services");
    at(page, box, "/sign-in");
    watch.clean();
  });
  await context.close();
}
