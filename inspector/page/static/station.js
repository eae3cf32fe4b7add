// What every page has: theme, and what the server says after a request.
"use strict";

(function () {
  const root = document.documentElement;

  function dark() {
    return root.dataset.theme ? root.dataset.theme === "dark" : !matchMedia("(prefers-color-scheme: light)").matches;
  }

  document.getElementById("theme").addEventListener("click", function () {
    root.dataset.theme = dark() ? "light" : "dark";
    document.cookie = "theme=" + root.dataset.theme + "; path=/; max-age=31536000; samesite=lax";
    document.dispatchEvent(new Event("themechange"));
  });

  // A colour of the present theme, by the name of its variable.
  window.colour = function (name) {
    return getComputedStyle(root).getPropertyValue(name).trim();
  };

  // Say something for a moment, where it is seen and read out.
  window.say = function (words, bad) {
    const said = document.getElementById("said");
    said.textContent = words;
    said.className = words ? (bad ? "bad" : "good") : "";
    clearTimeout(said.timer);
    said.timer = setTimeout(function () { said.textContent = ""; said.className = ""; }, 8000);
  };

  // Large buttons in place of the browser's own small ones. `then` is called where the answer is yes.
  window.ask = function (words, then) {
    const dialog = document.getElementById("confirm");
    document.getElementById("confirm-words").textContent = words;
    dialog.onclick = function (event) {
      if (event.target.value) dialog.close();
      if (event.target.value === "yes") then();
    };
    dialog.showModal();
  };

  // The page goes on while somebody reads: the button that the question is about may have been put there anew by then.
  let confirmed = null;
  document.addEventListener("htmx:confirm", function (event) {
    if (!event.detail.question) return;
    event.preventDefault();
    const asked = event.detail.elt;
    if (asked === confirmed) return event.detail.issueRequest(true);
    window.ask(event.detail.question, function () {
      if (asked.isConnected) return event.detail.issueRequest(true);
      confirmed = Array.from(document.querySelectorAll("[hx-confirm]")).find(function (other) {
        return ["hx-post", "hx-vals", "hx-confirm"].every(function (name) { return other.getAttribute(name) === asked.getAttribute(name); });
      });
      if (confirmed) confirmed.click(); else window.say("It has changed meanwhile: look again", true);
      confirmed = null;
    });
  });

  // A request to the API, with what shows that it comes from this page; rejects with what the station says.
  window.api = async function (method, address, body) {
    const headers = JSON.parse(document.body.getAttribute("hx-headers"));
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const answer = await fetch(address, { method: method, headers: headers, body: body === undefined ? undefined : JSON.stringify(body) });
    const said = await answer.json().catch(function () { return {}; });
    if (!answer.ok) throw new Error(typeof said.detail === "string" ? said.detail : "the station refused that (" + answer.status + ")");
    return said;
  };

  document.addEventListener("htmx:responseError", function (event) {
    let words = "The station refused that (" + event.detail.xhr.status + ")";
    try { words = JSON.parse(event.detail.xhr.responseText).detail || words; } catch (error) { /* not JSON: as it is */ }
    window.say(words, true);
  });
  document.addEventListener("htmx:sendError", function () { window.say("No connection to the station", true); });
})();
