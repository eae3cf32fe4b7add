// The gallery of rejects: chosen and judged by keyboard, and new ones appear by themselves.
"use strict";

(function () {
  const gallery = document.getElementById("gallery");
  if (!gallery) return;
  const about = document.getElementById("about"), chosenWords = document.getElementById("chosen");
  const mayJudge = gallery.dataset.mayJudge === "1";
  const LOOK_MS = 400; // between two looks for new rejects: the record has one half a second after its verdict
  const SHOW_MS = 150; // a part is shown when the focus rests on it, not at each step of a held key
  const WORDS = { really_bad: "really bad", actually_good: "actually good" };
  let current = null, anchor = null, timer = 0;

  function cards() { return Array.from(gallery.children); }
  function chosen() { return cards().filter(function (card) { return card.getAttribute("aria-selected") === "true"; }); }

  function choose(card, on) {
    card.setAttribute("aria-selected", String(on));
    tell();
  }

  function tell() {
    const count = chosen().length;
    if (chosenWords) chosenWords.textContent = count ? count + (count === 1 ? " part chosen" : " parts chosen") : current ? "this part" : "nothing chosen";
    document.querySelectorAll("[data-judge]").forEach(function (button) { button.disabled = !count && !current; });
  }

  function go(card) {
    if (!card) return;
    if (current) { current.tabIndex = -1; current.classList.remove("current"); }
    current = card;
    card.tabIndex = 0;
    gallery.tabIndex = -1;
    card.classList.add("current");
    card.focus({ preventScroll: false });
    card.scrollIntoView({ block: "nearest" });
    tell();
    clearTimeout(timer);
    timer = setTimeout(function () { show(card.dataset.key); }, SHOW_MS);
  }

  function show(key) {
    htmx.ajax("GET", "/rejects/" + encodeURIComponent(key), { target: about, swap: "innerHTML" });
  }

  // How many cards stand in a row: arrows up and down move by that.
  function columns() {
    const all = cards();
    const next = all.findIndex(function (card) { return card.offsetTop > all[0].offsetTop; });
    return next < 0 ? all.length : next;
  }

  function step(by, extend) {
    const all = cards();
    if (!all.length) return;
    const from = current ? all.indexOf(current) : -1;
    const to = from < 0 ? 0 : Math.max(0, Math.min(all.length - 1, from + by));
    if (extend) {
      if (anchor === null) anchor = Math.max(0, from);
      all.forEach(function (card, at) { card.setAttribute("aria-selected", String(at >= Math.min(anchor, to) && at <= Math.max(anchor, to))); });
    } else anchor = null;
    go(all[to]);
  }

  function judge(label) {
    const meant = chosen().length ? chosen() : current ? [current] : [];
    if (!meant.length || !mayJudge) return;
    const token = JSON.parse(document.body.getAttribute("hx-headers"));
    fetch("/api/judgements", {
      method: "POST",
      headers: Object.assign({ "Content-Type": "application/json" }, token),
      body: JSON.stringify({ keys: meant.map(function (card) { return card.dataset.key; }), label: label || null }),
    }).then(function (answer) {
      return answer.json().then(function (body) { if (!answer.ok) throw new Error(typeof body.detail === "string" ? body.detail : "The station refused that"); });
    }).then(function () {
      meant.forEach(function (card) {
        card.dataset.label = label;
        card.querySelector("[data-said]").textContent = WORDS[label] || "";
        card.setAttribute("aria-selected", "false");
      });
      anchor = null;
      window.say(meant.length + (meant.length === 1 ? " part: " : " parts: ") + (WORDS[label] || "taken back"));
      if (meant.length === 1 && meant[0] === current && label) step(1, false); else if (current) show(current.dataset.key);
      tell();
    }).catch(function (error) { window.say(error.message || "No connection to the station", true); });
  }

  const KEYS = {
    ArrowRight: function (event) { step(1, event.shiftKey); },
    ArrowLeft: function (event) { step(-1, event.shiftKey); },
    ArrowDown: function (event) { step(columns(), event.shiftKey); },
    ArrowUp: function (event) { step(-columns(), event.shiftKey); },
    Home: function (event) { step(-cards().length, event.shiftKey); },
    End: function (event) { step(cards().length, event.shiftKey); },
    " ": function () { if (current) choose(current, current.getAttribute("aria-selected") !== "true"); },
    a: function () { cards().forEach(function (card) { card.setAttribute("aria-selected", "true"); }); tell(); },
    Escape: function () { cards().forEach(function (card) { card.setAttribute("aria-selected", "false"); }); anchor = null; tell(); },
    b: function () { judge("really_bad"); },
    g: function () { judge("actually_good"); },
    u: function () { judge(""); },
  };

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    if (event.target.closest("button, a") && [" ", "Enter"].includes(event.key)) return;
    const act = KEYS[event.key] || KEYS[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act(event);
  });

  gallery.addEventListener("focus", function () { if (!current) go(gallery.firstElementChild); });
  gallery.addEventListener("click", function (event) {
    const card = event.target.closest(".card");
    if (!card) return;
    if (event.target.closest(".tick") || event.ctrlKey || event.metaKey) choose(card, card.getAttribute("aria-selected") !== "true");
    go(card);
  });
  document.querySelectorAll("[data-judge]").forEach(function (button) {
    button.addEventListener("click", function () { judge(button.dataset.judge); });
  });

  // What came since. The part that somebody looks at stays where it is for them.
  function look() {
    if (document.hidden) return again();
    const address = new URL(gallery.dataset.new, location.href);
    if (gallery.dataset.newest) address.searchParams.set("after", gallery.dataset.newest);
    fetch(address).then(function (answer) {
      document.getElementById("stale").hidden = true;
      if (answer.status !== 200) return null;
      gallery.dataset.newest = answer.headers.get("X-Newest");
      return answer.text();
    }).then(function (html) {
      if (html) { gallery.insertAdjacentHTML("afterbegin", html); document.getElementById("none").hidden = true; }
      again();
    }).catch(function () { document.getElementById("stale").hidden = false; again(); });
  }
  function again() { setTimeout(look, LOOK_MS); }
  if (gallery.dataset.live === "1") again();
  tell();
})();
