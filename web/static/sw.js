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
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => caches.match("/offline")));
  } else if (request.destination === "style") {
    event.respondWith(fetch(request).catch(() => caches.match(request)));
  }
});
