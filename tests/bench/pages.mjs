// Asks one page at a steady rate and prints the 99th percentile: pages.mjs URL PER_SECOND SECONDS
import https from "node:https";

const [url, rate, seconds] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const agent = new https.Agent({ keepAlive: true, maxSockets: 16, rejectUnauthorized: false });
const times = [];
let failed = 0;

function ask() {
  return new Promise((done) => {
    const began = performance.now();
    https
      .get(url, { agent, headers: { "accept-encoding": "gzip" } }, (answer) => {
        answer.resume();
        answer.on("end", () => {
          if (answer.statusCode === 200) times.push(performance.now() - began);
          else failed += 1;
          done();
        });
      })
      .on("error", () => { failed += 1; done(); });
  });
}

const asked = [];
for (let n = 0; n < rate * seconds; n += 1) {
  asked.push(ask());
  await new Promise((next) => setTimeout(next, 1000 / rate));
}
await Promise.all(asked);
times.sort((a, b) => a - b);
const p99 = times[Math.floor(times.length * 0.99)] ?? 0;
console.log(JSON.stringify({ name: "page_p99", value: Number(p99.toFixed(2)), unit: "ms", compared_with: "20 ms", ratio: Number((p99 / 20).toFixed(3)), failed }));
agent.destroy();
