// Pictures of every page: three languages, light and dark, phone and desktop; axe on each. Words and codes that a
// person must never photograph are covered before the picture is taken.

import fs from "node:fs";

import { axe, DESKTOP, fits, PHONE, speaks, test, Watch } from "./checks.mjs";
import { answerWords, NAME, open, PASSWORD, press, readWords } from "./first_run.mjs";
import { OUTSIDE, OWNER, STEPPED_UP } from "./pages.mjs";
import { until } from "./rig.mjs";
import { totp } from "./totp.mjs";

const LANGUAGES = ["en", "pt-BR", "es"];
const THEMES = ["light", "dark"];
const SIZES = [["phone", PHONE], ["desktop", DESKTOP]];

const cover = (page) => page.evaluate(() => {
  for (const secret of document.querySelectorAll(".words li, .copy code")) {
    if (secret.textContent.startsWith("flashnode ")) continue; // a command, not a secret
    secret.textContent = secret.textContent.trim().replace(/[^\s-]/g, "•");
  }
  for (const dark of document.querySelectorAll(".qr path")) dark.setAttribute("opacity", ".15");
});

class Album {
  constructor(page, box, out) {
    Object.assign(this, { page, box, out });
  }

  /** The page as it stands, four times. */
  async picture(language, name) {
    for (const theme of THEMES) {
      await this.page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
      for (const [size, viewport] of SIZES) {
        await this.page.setViewportSize(viewport);
        await test(`${name}, ${language}, ${theme}, ${size}`, async () => {
          await this.page.screenshot({ path: `${this.out}/${name}.${language}.${theme}.${size}.png`, fullPage: true });
          await fits(this.page);
          await speaks(this.page);
          await axe(this.page);
        });
      }
    }
  }

  /** A page with an address, in three languages. `arrive` presses on from there. */
  async page3(name, path, arrive) {
    for (const language of LANGUAGES) {
      await open(this.page, this.box, `${path}?lang=${language}`);
      if (arrive) await arrive(this.page);
      await cover(this.page);
      await this.picture(language, name);
    }
  }
}

async function wizard(album, code) {
  const { page, box } = album;
  await album.page3("setup-1-claim", "/claim");
  await album.page3("setup-1-claim-refused", "/claim", async () => { await page.fill("#code", "wrong"); await press(page); });
  await page.fill("#code", code);
  await press(page);
  await album.page3("setup-2-owner", "/setup/owner");
  await page.fill("#name", NAME);
  await page.fill("#password", PASSWORD);
  await press(page);
  await album.page3("setup-3-network", "/setup/network");
  await page.check("input[value=mainnet]");
  await press(page);
  await album.page3("setup-4-services-mainnet", "/setup/services");
  await open(page, box, "/setup/network");
  await page.check("input[value=regtest]");
  await press(page);
  await album.page3("setup-4-services", "/setup/services");
  await press(page);
  const words = await readWords(page);
  await album.page3("setup-5-keys", "/setup/keys");
  await album.page3("setup-5-confirm", "/setup/confirm");
  await answerWords(page, words);
  await press(page);
  await album.page3("setup-6-recovery", "/setup/recovery");
  await album.page3("setup-6-recovery-code", "/setup/recovery", () => press(page));
  await album.page3("setup-7-summary", "/setup/summary");
  await press(page);
  await page.waitForURL(`${box.url}/`);
  await album.page3("home-starting", "/");
}

async function speak(page, box, language) {
  await open(page, box, "/settings");
  await page.selectOption("#language", language);
  await press(page);
}

async function stepUpIfAsked(page) {
  if (new URL(page.url()).pathname !== "/step-up") return;
  await page.fill("#password", PASSWORD);
  await press(page);
}

async function asOwner(album) {
  const { page, box } = album;
  await until(120, "good", () => box.cli("status", "--wait", "good", "--timeout", "5").ok);
  await album.page3("step-up", "/step-up");
  for (const [name, path] of OWNER) await album.page3(name, path);
  for (const [name, path] of STEPPED_UP) {
    await open(page, box, path);
    await stepUpIfAsked(page);
    await album.page3(name, path);
  }
  for (const [name, path] of OUTSIDE) await album.page3(name, path);
  await album.page3("not-found", "/no/such/page");
  await album.page3("log-nothing-found", "/services/lnd/log", async () => {
    await page.fill("input[name=q]", "no line has these words");
    await press(page, "form[role=search] button");
  });
}

async function answers(album) {
  const { page, box } = album;
  for (const language of LANGUAGES) {
    await speak(page, box, language);
    const shoot = async (name) => { await cover(page); await album.picture(language, name); };
    await open(page, box, "/playground");
    await press(page, "form[action='/playground/mine'] button");
    await shoot("playground-mined");
    await open(page, box, "/audit");
    await press(page, "form[action='/audit'] button");
    await shoot("audit-verified");
    await open(page, box, "/updates");
    await press(page, "form:has(input[value='tor']):has(input[value='on']) button");
    await shoot("staged");
    await press(page, "form[action='/updates/discard'] button");
    await open(page, box, "/settings/two-factor/start");
    await stepUpIfAsked(page);
    await press(page);
    const code = totp((await page.locator(".copy code").innerText()).trim());
    await shoot("two-factor-scan");
    await page.fill("#code", code);
    await press(page);
    await shoot("two-factor-codes");
    await open(page, box, "/settings/two-factor");
    await shoot("two-factor-on");
    await open(page, box, "/settings/two-factor/off");
    await stepUpIfAsked(page);
    await shoot("two-factor-off");
    await press(page, "main button.danger");
  }
}

async function badDay(album) {
  const { page, box } = album;
  await box.spoilIndex();
  await album.page3("home-alert", "/");
  await album.page3("services-alert", "/services");
  await album.page3("service-damaged", "/services/electrs");
  await album.page3("alerts-open", "/alerts");
  box.json("rebuild", "electrs", "--yes");
  await page.context().clearCookies();
  await album.page3("sign-in", "/sign-in");
  await album.page3("sign-in-refused", "/sign-in", async () => {
    await page.fill("#name", NAME);
    await page.fill("#password", "not my password");
    await press(page);
  });
}

async function locked(box, launch, out) {
  await box.killSupervisor();
  fs.rmSync(`${box.dir}/supervisor/keys/auto-unlock.key`);
  await box.start();
  await until(30, "a locked box", () => JSON.parse(box.cli("status", "--json").out || "{}").locked === true);
  await until(30, "its pages", () => box.answers());
  const browser = await launch(box.pin());
  try {
    const album = new Album(await browser.newPage(), box, out);
    await album.page3("locked", "/locked");
  } finally { await browser.close(); }
}

export async function shots(box, browser, launch, out) {
  fs.mkdirSync(out, { recursive: true });
  const page = await browser.newPage();
  new Watch(page, box.url);
  const album = new Album(page, box, out);
  await wizard(album, box.claimCode());
  await asOwner(album);
  await answers(album);
  await badDay(album);
  await locked(box, launch, out);
  console.log(`${fs.readdirSync(out).length} pictures in ${out}`);
}
