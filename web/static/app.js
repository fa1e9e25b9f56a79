// Small comforts. Every page works without them: times in UTC, no copy buttons, no live updates.
(() => {
  "use strict";
  const lang = document.documentElement.lang;

  // Times in the reader's own time zone.
  const dates = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short" });
  const localise = (root) => {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      if ("ago" in time.dataset) time.title = dates.format(at);
      else time.textContent = dates.format(at);
    }
  };

  // Copy buttons, where the browser allows copying.
  const offer = (root) => {
    if (!navigator.clipboard) return;
    for (const button of root.querySelectorAll("button[data-copy]")) button.hidden = false;
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button[data-copy]");
    if (!button) return;
    const before = button.textContent;
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = before; }, 2000);
  });

  // A form that is on its way is not sent twice.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    form.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) { delete form.dataset.sent; form.removeAttribute("aria-busy"); }
  });

  // Live pages say how old they are when the stream is gone.
  let lost = 0;
  const stale = document.getElementById("stale");
  const tell = () => {
    if (!stale) return;
    stale.hidden = !lost || Date.now() - lost < 5000;
    if (!stale.hidden) {
      const text = stale.dataset.text.replace("{n}", String(Math.round((Date.now() - lost) / 1000)));
      if (stale.textContent !== text) stale.textContent = text;
    }
  };
  document.addEventListener("htmx:sseError", () => { lost ||= Date.now(); });
  document.addEventListener("htmx:sseOpen", () => { lost = 0; tell(); });
  setInterval(tell, 5000);

  // What was open stays open when a live part is drawn again, and a log that was at its end stays there.
  let open = [];
  document.addEventListener("htmx:beforeSwap", (event) => {
    const all = [...event.target.querySelectorAll("details")];
    open = all.map((d, i) => (d.open ? i : -1)).filter((i) => i >= 0);
  });
  const toEnd = (root) => { for (const log of root.querySelectorAll("pre.log")) log.scrollTop = log.scrollHeight; };
  document.addEventListener("htmx:afterSettle", (event) => {
    const root = event.target;
    const all = [...root.querySelectorAll("details")];
    for (const i of open) if (all[i]) all[i].open = true;
    localise(root); offer(root); toEnd(root);
  });

  localise(document); offer(document); toEnd(document);

  // Offline page, and the sign that this browser trusts the box: only then may a service worker be registered.
  if ("serviceWorker" in navigator) {
    navigator.serviceWorker.register("/sw.js").then(
      () => document.dispatchEvent(new CustomEvent("box-trusted", { detail: true })),
      () => {
        document.dispatchEvent(new CustomEvent("box-trusted", { detail: false }));
        const hint = document.getElementById("trust-hint");
        if (hint) hint.hidden = false;
      },
    );
  }
})();
