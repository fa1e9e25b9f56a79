// The owner of a living node: every page, and everything that can be pressed on them.

import fs from "node:fs";

import { DESKTOP, equal, holds, must, PHONE, sound, test } from "./checks.mjs";
import { at, light, NAME, open, PASSWORD, press, told } from "./first_run.mjs";
import { OUTSIDE, OWNER, STEPPED_UP } from "./pages.mjs";
import { until } from "./rig.mjs";
import { totp } from "./totp.mjs";

export async function signIn(page, box, code) {
  await open(page, box, "/sign-in");
  await page.fill("#name", NAME);
  await page.fill("#password", PASSWORD);
  await press(page);
  if (code) {
    await page.fill("#password", PASSWORD);
    await page.fill("#code", code);
    await press(page);
  }
}

async function stepUp(page, code) {
  await page.fill("#password", PASSWORD);
  if (code) await page.fill("#code", code);
  await press(page);
}

async function everyPage({ page, watch }, box) {
  for (const [name, path] of OWNER) {
    await open(page, box, path);
    await test(`${name} is where it should be`, async () => at(page, box, path));
    await sound(page, watch, name);
  }
  for (const [name, path] of OUTSIDE) {
    await open(page, box, path);
    await sound(page, watch, name);
  }
  await watch.refused(() => open(page, box, "/no/such/page"));
  await sound(page, watch, "not found");
}

async function guarded({ page, watch }, box) {
  await test("what can do harm asks for the password again, and goes on where it was asked", async () => {
    await open(page, box, STEPPED_UP[0][1]);
    at(page, box, "/step-up");
    await page.fill("#password", "not my password");
    await watch.refused(() => press(page));
    holds((await told(page)).length > 10, "no sentence");
  });
  await sound(page, watch, "step-up, refused");
  await must("the right password opens it", async () => {
    await stepUp(page);
    at(page, box, STEPPED_UP[0][1]);
  });
  for (const [name, path] of STEPPED_UP) {
    await open(page, box, path);
    await test(`${name} opens for five minutes`, async () => at(page, box, path));
    await sound(page, watch, name);
  }
}

async function stopAndStart({ page, watch }, box) {
  await test("electrs is stopped after it was said what that does", async () => {
    await open(page, box, "/services/electrs");
    await page.locator("a[href='/services/electrs/act/stop']").click();
    await page.waitForURL("**/act/stop");
    await press(page, "main button.btn.danger");
    at(page, box, "/services/electrs");
    await until(30, "it stops", () => !box.pid("electrs"));
    await page.locator("a[href='/services/electrs/act/start']").waitFor({ timeout: 10_000 });
  });
  await sound(page, watch, "service, stopped");
  await test("home says what is stopped, in a word", async () => {
    await open(page, box, "/services");
    await page.locator("li:has(#service-electrs) .badge", { hasText: "Stopped" }).waitFor();
  });
  await test("electrs is started again, and its page turns good by itself", async () => {
    await open(page, box, "/services/electrs/act/start");
    await press(page);
    at(page, box, "/services/electrs");
    await page.locator("#live .badge.good").first().waitFor({ timeout: 60_000 });
  });
}

async function rotation({ page, watch }, box) {
  const age = () => box.json("edges").find((edge) => edge.edge === "electrs:bitcoind");
  await test("a credential is rotated after it was said what restarts", async () => {
    const before = JSON.stringify(age());
    await open(page, box, "/edges");
    await page.locator("a[href='/edges/electrs:bitcoind/rotate']").click();
    await page.waitForURL("**/rotate");
    holds((await page.locator("ol.numbers li").allInnerTexts()).includes("Bitcoin"), "it does not say that Bitcoin restarts");
    await press(page);
    await sound(page, watch, "after rotating");
    await until(90, "the rotation is done", () => JSON.stringify(box.json("audit")).includes("edge.rotated"));
    holds(JSON.stringify(age()) !== before, "the credential is the same");
  });
  await test("the box is good again", async () => until(90, "good", () => box.cli("status", "--wait", "good", "--timeout", "5").ok));
}

async function log({ page, watch }, box) {
  await test("a search of the log finds what is there and nothing else", async () => {
    await open(page, box, "/services/lnd");
    await page.fill("input[name=q]", "wallet");
    await press(page, "form[role=search] button");
    at(page, box, "/services/lnd/log");
    const lines = (await page.locator("pre.log").innerText()).trim().split("\n");
    holds(lines.length > 1 && lines.every((line) => /wallet/i.test(line)), `lines without the word: ${lines[0]}`);
    await page.fill("input[name=q]", "no line has these words <b>");
    await press(page, "form[role=search] button");
    equal(await page.locator("pre.log").count(), 0, "logs shown");
    equal(await page.locator("main b").count(), 0, "tags made from what was typed");
  });
  await sound(page, watch, "log, nothing found");
  await test("the log is downloaded as text", async () => {
    await open(page, box, "/services/bitcoind");
    const [file] = await Promise.all([page.waitForEvent("download"), page.locator("a[href$='log.txt']").first().click()]);
    equal(file.suggestedFilename(), "bitcoind.log.txt", "its name");
    holds(fs.readFileSync(await file.path(), "utf8").split("\n").length > 20, "it is nearly empty");
  });
}

async function changes({ page, watch }, box) {
  const stage = async (name) => {
    await open(page, box, "/updates");
    await press(page, `form:has(input[value='${name}']):has(input[value='on']) button`);
    at(page, box, "/updates/staged");
  };
  await test("a change is read before it is applied, and can be discarded", async () => {
    await stage("tor");
    holds((await page.locator(".diff li").count()) > 0, "nothing to read");
    await sound(page, watch, "staged");
    await open(page, box, "/updates");
    equal(await page.locator("a[href='/updates/staged']").count(), 1, "signs of what waits");
    await open(page, box, "/updates/staged");
    await press(page, "form[action='/updates/discard'] button");
    at(page, box, "/updates");
    equal(await page.locator("a[href='/updates/staged']").count(), 0, "signs of what waits");
    holds(box.json("audit").some((entry) => entry.action === "change.discarded"), "it is not in the audit log");
  });
  await test("a change is applied and becomes good", async () => {
    await stage("postgres");
    await press(page, "form[action='/updates/staged'] button");
    at(page, box, "/services");
    await page.locator("li:has(#service-postgres) .badge.good").waitFor({ timeout: 60_000 });
  });
  await open(page, box, "/services/postgres");
  await sound(page, watch, "service-postgres");
}

async function playground({ page, watch }, box) {
  await test("blocks are mined on request", async () => {
    const before = box.json("playground", "info").height;
    await open(page, box, "/playground");
    await page.fill("#blocks", "3");
    await press(page, "form[action='/playground/mine'] button");
    equal(await page.locator(".notice.good[role=status]").count(), 1, "notices");
    holds(box.json("playground", "info").height >= before + 3, "the chain is as high as before");
  });
  await test("coins for an address that is none are refused in a sentence", async () => {
    await page.fill("#address", "bcrt1notanaddress");
    await watch.refused(() => press(page, "form[action='/playground/fund'] button"));
    holds((await told(page)).length > 10, "no sentence");
  });
  await sound(page, watch, "playground, refused");
}

async function looks({ page, watch }, box) {
  const choose = async (language, theme) => {
    await open(page, box, "/settings");
    await page.selectOption("#language", language);
    await page.check(`input[name=theme][value=${theme}]`);
    await press(page);
    equal(await page.getAttribute("html", "lang"), language || "es", "the language");
    equal(await page.getAttribute("html", "data-theme"), theme, "the theme");
  };
  await test("language and theme are the owner's choice and stay", async () => {
    await choose("pt-BR", "dark");
    await open(page, box, "/");
    equal(await page.getAttribute("html", "lang"), "pt-BR", "the language at home");
    const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    equal(paper, "rgb(15, 17, 22)", "the dark paper");
    await choose("es", "light");
    await choose("en", "system");
    watch.clean();
  });
  await test("keyboard alone reaches the content, the skip link first", async () => {
    await open(page, box, "/");
    await page.keyboard.press("Tab");
    equal(await page.evaluate(() => document.activeElement.className), "skip", "the first stop");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    holds(await page.evaluate(() => document.querySelector("main").contains(document.activeElement)), "not in the content");
  });
}

async function twoFactor(owner, box, browser) {
  const { page, watch } = owner;
  let codes = [];
  await must("two-factor is switched on with an authenticator's code", async () => {
    await open(page, box, "/settings/two-factor/start");
    await press(page);
    await sound(page, watch, "two-factor, QR code");
    const secret = (await page.locator(".copy code").innerText()).trim();
    const wide = await page.locator(".qr").boundingBox();
    holds(wide.width >= 240, `a QR code of ${wide.width} px`);
    await page.fill("#code", totp(secret));
    await press(page);
    codes = (await page.locator(".codes li").allInnerTexts()).map((code) => code.trim());
    equal(codes.length, 10, "recovery codes");
  });
  await sound(page, watch, "two-factor, recovery codes");
  await test("a new browser needs the code as well, and is listed and ended", async () => {
    const context = await browser.newContext({ locale: "en-US" });
    const other = await context.newPage();
    await signIn(other, box, codes[0]);
    at(other, box, "/");
    await open(page, box, "/settings/sessions");
    equal(await page.locator("main li").count(), 2, "sessions");
    await press(page, "form[action='/settings/sessions'] button");
    await open(other, box, "/services");
    at(other, box, "/sign-in");
    await context.close();
  });
  await test("a recovery code works once, and two-factor can be switched off", async () => {
    await press(page, "nav.nav form[action='/sign-out'] button");
    at(page, box, "/sign-in");
    await watch.refused(() => signIn(page, box, codes[0]));
    at(page, box, "/sign-in");
    holds((await told(page)).length > 10, "no sentence");
    await sound(page, watch, "sign-in, code refused");
    await signIn(page, box, codes[1]);
    at(page, box, "/");
    await open(page, box, "/settings/two-factor/off");
    await stepUp(page, codes[2]);
    await press(page, "main button.danger");
    equal(await page.locator("main .badge.warn").count(), 1, "the sign that it is off");
  });
}

async function signInAndOut({ page, watch }, box) {
  await test("a wrong password is refused without saying which was wrong", async () => {
    await page.context().clearCookies();
    await open(page, box, "/services");
    at(page, box, "/sign-in");
    await page.fill("#name", NAME);
    await page.fill("#password", "not my password");
    await watch.refused(() => press(page));
    const known = await told(page);
    await page.fill("#name", "nobody");
    await page.fill("#password", "not my password");
    await watch.refused(() => press(page));
    equal(await told(page), known, "the sentence for an unknown name");
  });
  await sound(page, watch, "sign-in, refused");
  await must("signing in leads to where one wanted to go", async () => {
    await open(page, box, "/services");
    await page.fill("#name", NAME);
    await page.fill("#password", PASSWORD);
    await press(page);
    at(page, box, "/services");
  });
}

async function readme({ page }, box, out) {
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  await page.setViewportSize(DESKTOP);
  await open(page, box, "/");
  await page.locator(".hero .mark.good").waitFor({ timeout: 20_000 }); // a new block makes Lightning catch up for a moment
  await page.screenshot({ path: `${out}/home-desktop.png` });
  await page.setViewportSize(PHONE);
  await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
  await page.screenshot({ path: `${out}/home-phone-dark.png` });
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  await open(page, box, "/services/bitcoind");
  await page.screenshot({ path: `${out}/service-phone.png` });
  await page.setViewportSize(DESKTOP);
}

/** Everything an owner does on a good day. */
export async function ownerWalk(box, browser, owner, out) {
  await open(owner.page, box, "/?lang=en");
  await open(owner.page, box, "/settings");
  await owner.page.selectOption("#language", "en");
  await press(owner.page);
  await light(browser, box, "/", await owner.context.cookies(), "home");
  await readme(owner, box, out);
  await everyPage(owner, box);
  await guarded(owner, box);
  await log(owner, box);
  await stopAndStart(owner, box);
  await rotation(owner, box);
  await changes(owner, box);
  await playground(owner, box);
  await looks(owner, box);
  await twoFactor(owner, box, browser);
  await signInAndOut(owner, box);
}
