// Keeps one page for the time when the box cannot be reached. Nothing else is cached: what a box says is only true now.
"use strict";
const CACHE = "flashnode-1";
self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(CACHE);
    const page = await fetch("/offline");
    await cache.put("/offline", page.clone());
    const style = /href="(\/static\/[^"]+\.css)"/.exec(await page.text());
    if (style) await cache.add(style[1]);
    await self.skipWaiting();
  })());
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
// The pages are away for a moment when they are replaced by newer ones. Only reading is tried again: a form is not.
const patient = async (request) => {
  for (const wait of request.method === "GET" ? [400, 1200] : []) {
    try { return await fetch(request.clone()); } catch { await new Promise((go) => setTimeout(go, wait)); }
  }
  return fetch(request).catch(() => caches.match("/offline"));
};
// What becomes a file goes straight to the box: a download that comes in pieces does not survive the detour.
const isFile = (request) => /\.(txt|crt|mobileconfig)$/.test(new URL(request.url).pathname);
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (isFile(request)) return;
  if (request.mode === "navigate") {
    event.respondWith(patient(request));
  } else if (request.destination === "style") {
    event.respondWith(fetch(request).catch(() => caches.match(request)));
  }
});
