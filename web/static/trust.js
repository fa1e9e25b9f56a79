// Says whether this browser trusts the box. A page behind a clicked-away warning may not register a service worker.
(() => {
  "use strict";
  const box = document.getElementById("trust-check");
  const word = document.getElementById("trust-word");
  const notice = box.querySelector(".notice");
  const say = (kind, text) => { notice.className = `notice ${kind}`; word.textContent = text; };
  if (!window.isSecureContext || !("serviceWorker" in navigator)) {
    say("info", box.dataset.unknown);
    return;
  }
  navigator.serviceWorker.register("/sw.js").then(
    () => say("good", box.dataset.yes),
    () => say("warn", box.dataset.no),
  );
})();
