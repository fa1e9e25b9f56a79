// A newcomer's way from the first page to a living node, with the mistakes that newcomers make.

import https from "node:https";

import { equal, holds, must, PHONE, sound, test, Watch } from "./checks.mjs";
import { until } from "./rig.mjs";

export const PASSWORD = "correct horse battery staple";
export const NAME = "ana";

export const press = async (page, selector = "main .btn.main") => {
  await page.locator(selector).first().click();
  await page.waitForLoadState("load");
};
export const at = (page, box, path) => equal(new URL(page.url()).pathname, path, "the address");
export const told = (page) => page.locator(".notice.bad[role=alert]").first().innerText();
/** Opens a path. Containers that come and go elsewhere on the machine change its network; then once more. */
export async function open(page, box, path) {
  const go = () => page.goto(`${box.url}${path}`, { waitUntil: "load" });
  return go().catch((error) => {
    if (/ERR_NETWORK_CHANGED/.test(error.message)) return go();
    throw error;
  });
}

/** Bytes on the wire of a page opened for the first time, with everything it loads. */
async function weight(browser, box, path, cookies) {
  const context = await browser.newContext();
  if (cookies) await context.addCookies(cookies);
  const page = await context.newPage();
  const wire = await context.newCDPSession(page);
  await wire.send("Network.enable");
  let bytes = 0;
  wire.on("Network.loadingFinished", (event) => { bytes += event.encodedDataLength; });
  await open(page, box, path);
  await page.waitForTimeout(300);
  await context.close();
  return bytes;
}

export async function light(browser, box, path, cookies, name) {
  await test(`${name} weighs at most 60 kB`, async () => {
    const bytes = await weight(browser, box, path, cookies);
    holds(bytes > 1000, `only ${bytes} bytes were counted`);
    holds(bytes <= 60_000, `${bytes} bytes`);
  });
}

function get(options) {
  return new Promise((done, fail) => {
    https.get(options, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (piece) => { body += piece; }).on("end", () => done({ status: response.statusCode, body }));
    }).once("error", fail);
  });
}

async function trust(box, browser, launch) {
  const place = { host: "127.0.0.1", port: box.base - 1, servername: "localhost", headers: { host: `localhost:${box.base - 1}` } };
  await test("the certificate handed out proves the pages, and nothing else does", async () => {
    const { body } = await get({ ...place, path: "/ca.crt", rejectUnauthorized: false });
    equal((await get({ ...place, path: "/claim", ca: body })).status, 200, "with the box's CA");
    const refused = await get({ ...place, path: "/claim" }).then(() => "trusted", () => "refused");
    equal(refused, "refused", "without it");
  });
  const says = async (page) => {
    await page.locator("#trust-check .notice.good, #trust-check .notice.warn").waitFor();
    return page.locator("#trust-check .notice").getAttribute("class");
  };
  await test("a browser that trusts the box is told so", async () => {
    const page = await browser.newPage();
    const watch = new Watch(page, box.url);
    await open(page, box, "/trust");
    holds((await says(page)).includes("good"), "no good word");
    await sound(page, watch, "trust");
    await page.context().close();
  });
  await test("a browser that does not is told what to do", async () => {
    const stranger = await launch();
    try {
      const page = await stranger.newPage({ ignoreHTTPSErrors: true });
      await open(page, box, "/trust");
      holds((await says(page)).includes("warn"), "no warning");
    } finally { await stranger.close(); }
  });
}

async function claim(page, watch, box, code) {
  await must("a new box leads to the claim page", async () => {
    await open(page, box, "/");
    at(page, box, "/claim");
    equal(await page.getAttribute("html", "lang"), "pt-BR", "the browser's own language");
  });
  await sound(page, watch, "claim");
  await must("the language can be changed before anything else", async () => {
    await page.locator("footer a[hreflang=en]").click();
    await page.waitForLoadState("load");
    equal(await page.getAttribute("html", "lang"), "en", "the language");
  });
  await test("a wrong claim code is refused in a sentence", async () => {
    await page.fill("#code", "WRONG-CODE-0000");
    await watch.refused(() => press(page));
    holds((await told(page)).length > 20, "no sentence");
    at(page, box, "/claim");
  });
  await sound(page, watch, "claim, refused");
  await must("the right one opens the wizard", async () => {
    await page.fill("#code", code);
    await press(page);
    at(page, box, "/setup/owner");
  });
}

async function ownerAndNetwork(page, watch, box, out) {
  await sound(page, watch, "set-up: owner");
  await test("a short password is refused by the box too, not only by the browser", async () => {
    await page.fill("#name", NAME);
    await page.fill("#password", "short");
    await page.evaluate(() => { document.querySelector("form.card").noValidate = true; });
    await watch.refused(() => press(page));
    holds(/10/.test(await told(page)), "it does not say how long");
    equal(await page.inputValue("#name"), NAME, "the name typed");
    equal(await page.inputValue("#password"), "", "the password field");
  });
  await must("name and password are taken", async () => {
    await page.fill("#password", PASSWORD);
    await press(page);
    at(page, box, "/setup/network");
  });
  await sound(page, watch, "set-up: network");
  await page.setViewportSize(PHONE);
  await page.check("input[value=regtest]");
  await page.screenshot({ path: `${out}/setup-network-phone.png` });
  await test("Back keeps what was said", async () => {
    await page.locator("main a.btn[href='/setup/owner']").click();
    await page.waitForURL("**/setup/owner");
    equal(await page.inputValue("#name"), NAME, "the name");
    await page.fill("#password", PASSWORD);
    await press(page);
    at(page, box, "/setup/network");
  });
  await must("the network is taken, and a reload loses nothing", async () => {
    await page.check("input[value=regtest]");
    await press(page);
    at(page, box, "/setup/services");
    await page.reload();
    at(page, box, "/setup/services");
    await open(page, box, "/setup/network");
    holds(await page.isChecked("input[value=regtest]"), "the choice was forgotten");
    await open(page, box, "/setup");
    at(page, box, "/setup/services");
  });
  await test("a later step cannot be jumped to", async () => {
    await open(page, box, "/setup/summary");
    at(page, box, "/setup/services");
  });
  await sound(page, watch, "set-up: services");
  await test("the disk plan and the program chosen are kept", async () => {
    await page.check("input[value=core]");
    await page.check("input[name=prune]");
    await page.fill("#prune_gib", "1000000");
    await page.evaluate(() => { document.querySelector("main form").noValidate = true; });
    await press(page);
    await open(page, box, "/setup/services");
    holds(await page.isChecked("input[value=core]"), "the program chosen was forgotten");
    holds(await page.isChecked("input[name=prune]"), "the disk plan was forgotten");
    equal(await page.inputValue("#prune_gib"), "100000", "the size, as far as it goes");
    await page.check("input[value=knots]");
    await page.uncheck("input[name=prune]");
    await press(page);
  });
  await must("the services are taken", async () => {
    await open(page, box, "/setup/services");
    await press(page);
    at(page, box, "/setup/keys");
  });
}

export const readWords = (page) => page.locator(".words li").allInnerTexts().then((all) => all.map((w) => w.trim()));

export async function answerWords(page, words, spoil) {
  const fields = page.locator("input[name^='word.']");
  for (const field of await fields.all()) {
    const position = Number((await field.getAttribute("name")).slice("word.".length));
    await field.fill(spoil ? "zoo" : words[position - 1]);
  }
  return fields.count();
}

async function secondBrowser(page, browser, box, code) {
  const context = await browser.newContext({ locale: "es-AR" });
  const other = await context.newPage();
  const watch = new Watch(other, box.url);
  await must("a second browser needs a code of its own, and takes set-up over where it stood", async () => {
    await open(other, box, "/");
    equal(await other.getAttribute("html", "lang"), "es", "the language");
    await other.fill("#code", code);
    await watch.refused(() => press(other));
    holds((await told(other)).length > 20, "a used code is not refused in a sentence");
    await other.fill("#code", box.claimCode());
    await press(other);
    at(other, box, "/setup/keys");
  });
  await test("the first browser is sent back to the claim page", async () => {
    await open(page, box, "/setup/keys");
    at(page, box, "/claim");
  });
  return { context, page: other, watch };
}

async function keysAndRecovery(page, watch, box) {
  let words = [];
  await must("24 words are shown, and the same ones after a reload", async () => {
    words = await readWords(page);
    equal(words.length, 24, "words");
    holds(words.every((word) => /^[a-z]{3,8}$/.test(word)), "they are not words");
    await page.reload();
    equal((await readWords(page)).join(), words.join(), "the words after a reload");
  });
  await sound(page, watch, "set-up: keys");
  await test("wrong words are refused, and nothing is given away", async () => {
    await press(page);
    at(page, box, "/setup/confirm");
    equal(await answerWords(page, words, true), 4, "places asked for");
    await watch.refused(() => press(page));
    holds((await told(page)).length > 20, "no sentence");
  });
  await sound(page, watch, "set-up: confirm");
  await must("the right words are taken", async () => {
    await answerWords(page, words);
    await press(page);
    at(page, box, "/setup/recovery");
  });
  await test("the words are never shown again", async () => {
    await open(page, box, "/setup/keys");
    at(page, box, "/setup/recovery");
    holds(!(await page.content()).includes(words.slice(0, 2).join("</li><li>")), "they are in the page");
  });
  await sound(page, watch, "set-up: recovery");
  await test("two different passphrases are refused", async () => {
    await page.locator("details summary").click();
    await page.fill("#passphrase", "a long passphrase of mine");
    await page.fill("#again", "another passphrase of mine");
    await watch.refused(() => press(page, "details button.btn"));
    holds((await told(page)).length > 20, "no sentence");
  });
  let recovery = "";
  await must("the box makes a recovery code", async () => {
    await press(page);
    recovery = (await page.locator(".copy code").innerText()).trim();
    holds(recovery.length >= 16, `a short code: ${recovery.length} characters`);
  });
  await sound(page, watch, "set-up: recovery code");
  return recovery;
}

/** The whole wizard. Leaves a signed-in owner whose node is good. */
export async function firstRun(box, browser, launch, out) {
  await light(browser, box, "/", null, "the first page");
  await trust(box, browser, launch);
  const code = box.claimCode();
  const first = await browser.newContext({ locale: "pt-BR" });
  const page = await first.newPage();
  const watch = new Watch(page, box.url);
  await claim(page, watch, box, code);
  await ownerAndNetwork(page, watch, box, out);
  const owner = await secondBrowser(page, browser, box, code);
  await first.close();
  await test("the wizard's language follows a link on any step", async () => {
    await open(owner.page, box, "/setup/keys?lang=en");
    equal(await owner.page.getAttribute("html", "lang"), "en", "the language");
  });
  owner.recovery = await keysAndRecovery(owner.page, owner.watch, box);
  await must("the summary says everything, and one press starts the box", async () => {
    await press(owner.page);
    at(owner.page, box, "/setup/summary");
    const text = await owner.page.locator("main").innerText();
    for (const word of [NAME, "Regtest", "Knots"]) holds(text.includes(word), `it does not say ${word}`);
  });
  await sound(owner.page, owner.watch, "set-up: summary");
  owner.watch.away = true; // the pages are replaced by ones that know the network
  await must("the owner is home and signed in, without a second sign-in", async () => {
    await press(owner.page);
    equal(await owner.page.locator("main .hero .mark.info").count(), 1, "a page that says it starts");
    await owner.page.waitForURL(`${box.url}/`, { timeout: 15_000 });
    equal(await owner.page.locator(".glance").count(), 1, "a home page");
  });
  await sound(owner.page, owner.watch, "home, starting");
  await must("the page turns good by itself", async () => {
    await owner.page.evaluate(() => { window.sameDocument = true; });
    await owner.page.locator(".hero .mark.good").waitFor({ timeout: 120_000 });
    holds(await owner.page.evaluate(() => window.sameDocument), "it was loaded again instead");
    owner.watch.away = false;
  });
  await until(60, "status says good", () => box.cli("status", "--wait", "good", "--timeout", "5").ok);
  return owner;
}
