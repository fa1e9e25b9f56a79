// The rig: a real box with its own folder, ports and user ids, driven through the command line as a person would.
// It ends everything it started, by id, and keeps the folder of a failed run for a look. It knows no page.

import { spawn, spawnSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import tls from "node:tls";
import { setTimeout as sleep } from "node:timers/promises";

const cache = process.env.FLASHNODE_CACHE ?? "/var/cache/flashnode";
const target = process.env.CARGO_TARGET_DIR ?? path.join(cache, "target");
export const BINARY = path.join(target, "debug", "flashnode");

/** Asks until it holds, or says what did not come. */
export async function until(seconds, what, holds) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    if (await holds()) return;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await sleep(250);
  }
}

const free = (port) => new Promise((done) => {
  const server = net.createServer();
  server.once("error", () => done(false));
  server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
});

/** The first of a hundred ports that nobody listens on, and neither on the one before. */
async function freeBase() {
  // Below what the system hands out to outgoing connections, and below what the Rust rig takes.
  for (let step = 0; step < 90; step += 1) {
    const base = 12_000 + ((process.pid + step) % 90) * 102 + 1;
    let all = true;
    for (let port = base - 1; all && port < base + 70; port += 1) all = await free(port);
    if (all) return base;
  }
  throw new Error("no hundred free ports in a row");
}

export class Box {
  static async make(name) {
    if (!fs.existsSync(BINARY)) throw new Error(`${BINARY} is missing: run \`cargo build -p flashnode\` first`);
    const box = new Box();
    box.name = name;
    box.base = await freeBase();
    box.dir = `/var/tmp/flashnode-browser-${name}-${process.pid}`;
    box.url = `https://localhost:${box.base - 1}`;
    fs.rmSync(box.dir, { recursive: true, force: true });
    fs.mkdirSync(box.dir, { recursive: true });
    fs.chmodSync(box.dir, 0o755); // services' users pass through it
    fs.writeFileSync(path.join(box.dir, "flashnode.toml"), [
      `name = "${name}"`, `network = "regtest"`, `runtime = "process"`, `listen = "127.0.0.1:${box.base - 1}"`,
      `port_base = ${box.base}`, `uid_base = ${90_000 + box.base}`, `images = "${path.join(cache, "images")}"`, "",
    ].join("\n"));
    return box;
  }

  /** Starts the supervisor; its log goes to `supervisor.log`. */
  async start() {
    const log = fs.openSync(path.join(this.dir, "supervisor.log"), "a");
    this.supervisor = spawn(BINARY, ["--box", this.dir, "supervise"], {
      stdio: ["ignore", log, log], env: { ...process.env, RUST_LOG: "info" },
    });
    this.ended = new Promise((done) => this.supervisor.once("exit", done));
    fs.closeSync(log);
    await until(40, "the pages answer", () => this.answers());
  }

  answers() {
    return new Promise((done) => {
      const socket = tls.connect({ port: this.base - 1, host: "127.0.0.1", servername: "localhost", rejectUnauthorized: false });
      socket.once("secureConnect", () => { this.leaf = socket.getPeerCertificate(true).raw; socket.destroy(); done(true); });
      socket.once("error", () => done(false));
    });
  }

  /** The fingerprint by which Chromium trusts this box and no other, as after installing its certificate. */
  pin() {
    const spki = new X509Certificate(this.leaf).publicKey.export({ type: "spki", format: "der" });
    return createHash("sha256").update(spki).digest("base64");
  }

  /** Kills the supervisor with -9; services go on. */
  async killSupervisor() {
    this.supervisor.kill("SIGKILL");
    await this.ended;
  }

  cli(...args) {
    const done = spawnSync(BINARY, ["--box", this.dir, ...args], { encoding: "utf8", timeout: 120_000 });
    return { ok: done.status === 0, out: done.stdout, err: done.stderr };
  }

  /** A verb with `--json` that must succeed. */
  json(...args) {
    const done = this.cli(...args, "--json");
    if (!done.ok) throw new Error(`flashnode ${args.join(" ")}: ${done.err}`);
    return JSON.parse(done.out);
  }

  /** A new claim code, as a person at the console reads it. */
  claimCode() {
    const told = this.json("claim-code");
    return typeof told === "string" ? told : told.code ?? told.claim_code;
  }

  health(service) {
    return this.json("status").services.find((line) => line.name === service)?.health;
  }

  pid(service) {
    return this.json("services", service).pid;
  }

  /** Stops electrs, spoils its index, and starts it: it will say that its data is damaged. */
  async spoilIndex() {
    this.json("stop", "electrs");
    await until(60, "electrs stops", () => !this.pid("electrs"));
    const index = path.join(this.dir, "services/electrs/data/regtest");
    for (const name of fs.readdirSync(index)) {
      if (name === "CURRENT" || name.startsWith("MANIFEST")) fs.writeFileSync(path.join(index, name), "not an index");
    }
    this.json("start", "electrs");
    await until(60, "the damage is told", () => JSON.stringify(this.json("alerts")).includes("data_damaged"));
  }

  /** Ends everything of this box, by id. */
  async end(keep) {
    // Not `cli`: while that waits, an ended supervisor could not be reaped and would look alive.
    const told = [];
    const ask = spawn(BINARY, ["--box", this.dir, "shutdown", "--all"], { stdio: ["ignore", "ignore", "pipe"] });
    ask.stderr.on("data", (piece) => told.push(piece));
    const status = await new Promise((done) => ask.once("exit", done));
    const done = { ok: status === 0, err: Buffer.concat(told).toString() };
    if (this.supervisor) {
      this.supervisor.kill("SIGKILL");
      await this.ended;
    }
    if (!done.ok) console.log(`${this.dir}: not everything ended: ${done.err}`);
    if (keep) console.log(`the folder of the failed box is kept: ${this.dir}`);
    else fs.rmSync(this.dir, { recursive: true, force: true });
  }
}
