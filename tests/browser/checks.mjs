// Counts checks, and holds what every page must be: no axe finding, no sideways scroll, no console error, no call
// outside the box. It knows no particular page.

import { AxeBuilder } from "@axe-core/playwright";

export const tally = { passed: 0, failed: 0 };

/** One check. A failed one is told and counted, and the run goes on. */
export async function test(name, run) {
  const began = Date.now();
  try {
    await run();
    tally.passed += 1;
    if (process.env.VERBOSE) console.log(`ok   ${name} (${Date.now() - began} ms)`);
    return true;
  } catch (error) {
    tally.failed += 1;
    console.log(`FAIL ${name}: ${error.message ?? error}`);
    return false;
  }
}

/** A check without which going on makes no sense. */
export async function must(name, run) {
  if (!(await test(name, run))) throw new Error(`stopped after: ${name}`);
}

export function equal(found, wanted, what) {
  if (found !== wanted) throw new Error(`${what}: ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
}

export function holds(truth, what) {
  if (!truth) throw new Error(what);
}

/** Watches a page for what must never happen. `away`: the pages are expected to be replaced or ended now. */
export class Watch {
  constructor(page, origin) {
    this.troubles = [];
    page.setDefaultTimeout(10_000);
    page.on("console", (message) => {
      if (message.type() !== "error") return;
      if (/the server responded with a status of 4\d\d/.test(message.text()) && this.lenient) return;
      // A stream that ends says so twice: as a failed request, which counts below, and as an event of htmx.
      if (/ERR_NETWORK_CHANGED|^Event$/.test(message.text())) return;
      if (this.away && /ERR_CONNECTION_REFUSED|ERR_HTTP2/.test(message.text())) return;
      this.troubles.push(`console: ${message.text()} at ${message.location().url}`);
    });
    page.on("pageerror", (error) => this.troubles.push(`script: ${error.message}`));
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(origin) && !url.startsWith("data:") && !url.startsWith("blob:")) this.troubles.push(`outside: ${url}`);
    });
    page.on("requestfailed", (request) => {
      const why = request.failure()?.errorText ?? "";
      // A stream ends and a download begins when a page is left.
      if (!/ERR_ABORTED|ERR_INCOMPLETE_CHUNKED|ERR_NETWORK_CHANGED/.test(why) && !this.away) this.troubles.push(`failed: ${request.url()}: ${why}`);
    });
    page.on("response", (response) => {
      if (response.status() >= 500) this.troubles.push(`${response.status()}: ${response.url()}`);
    });
  }

  /** Runs what the box is expected to refuse with a 4xx page. */
  async refused(run) {
    this.lenient = true;
    try { await run(); } finally { this.lenient = false; }
  }

  /** Tells what has gathered, once. */
  clean() {
    const troubles = this.troubles.splice(0);
    if (troubles.length) throw new Error([...new Set(troubles)].slice(0, 5).join("; "));
  }
}

/** What axe finds on the page as it stands. */
export async function axe(page) {
  const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
  if (violations.length) {
    throw new Error(violations.map((v) => `axe ${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.target} ${n.any[0]?.message ?? ""}`).join(", ")}`).join("; "));
  }
}

/** The page does not scroll sideways, and nothing sticks out of its own box unseen. */
export async function fits(page) {
  const wide = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return null;
    const out = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > width + 1);
    return out.slice(0, 3).map((e) => `${e.tagName.toLowerCase()}.${e.className}`).join(", ") || "the page itself";
  });
  if (wide) throw new Error(`scrolls sideways: ${wide}`);
}

/** A key of a message that was not found shows as itself. */
export async function speaks(page) {
  const text = await page.evaluate(() => document.body.innerText);
  const bare = /\b(?:audit|alarm|error|kind|state|note|service|overview|step|about|stops)(?:-[a-z0-9]+)+\b/.exec(text);
  if (bare && !/^service-worker$/.test(bare[0])) throw new Error(`an untranslated key: ${bare[0]}`);
  const hole = /\{\s*\$[a-z]+\s*\}|\u2068|\u2069/.exec(text);
  if (hole) throw new Error(`a hole in a message: ${hole[0]}`);
}

export const PHONE = { width: 390, height: 844 };
export const SMALL = { width: 320, height: 640 };
export const DESKTOP = { width: 1280, height: 900 };

/** Everything that holds for every page, wide and narrow, light and dark. */
export async function sound(page, watch, name) {
  await test(`${name}: fits, speaks, and axe finds nothing`, async () => {
    equal(await page.locator("h1").count(), 1, "headings of the first level");
    await speaks(page);
    await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
    await page.setViewportSize(SMALL);
    await fits(page);
    await page.setViewportSize(PHONE);
    await fits(page);
    await axe(page);
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    await page.setViewportSize(DESKTOP);
    await fits(page);
    await axe(page);
  });
  await test(`${name}: nothing in the console, nothing from outside`, async () => watch.clean());
}
