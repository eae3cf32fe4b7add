// The threshold, with what it does in view: real parts are sorted anew while the slider moves.
"use strict";

(function () {
  const root = document.getElementById("threshold");
  if (!root) return;
  const STEPS = 1000, BINS = 80, SHOWN = 24, PAD = 22; // PAD: half of the slider's thumb, so that both axes agree
  const address = "/api/cameras/" + encodeURIComponent(root.dataset.camera) + "/threshold";
  const get = function (id) { return document.getElementById(id); };
  const canvas = get("histogram"), slider = get("slider");
  let state = null, wanted = null, moved = false, top = 1, digits = 4;

  function position(score) { return Math.min(score / top, 1); }

  function take(news) {
    const before = state;
    slider.disabled = false;
    state = news;
    if (!moved || !before || before.product !== news.product) { wanted = news.threshold; moved = false; }
    if (before === null || news.threshold > top) {
      const scores = news.recent.map(function (part) { return part.score; }).concat(news.held_out).sort(function (a, b) { return a - b; });
      const high = scores.length ? scores[Math.floor(0.97 * (scores.length - 1))] : 0;
      top = Math.max(2.2 * news.threshold, Math.min(high * 1.1, 4 * news.threshold));
    }
    show();
    showLevels();
    showHistory();
  }

  function show() {
    slider.value = Math.round(STEPS * position(wanted));
    const shown = changes().slice(0, SHOWN).map(function (part) { return part.score; });
    digits = digitsApart(wanted, same() ? shown : shown.concat(state.threshold));
    slider.setAttribute("aria-valuetext", format(wanted, digits));
    get("value").textContent = format(wanted, digits);
    get("change").textContent = same() ? "in use" : "now " + format(state.threshold, digits);
    const fails = count(state.recent.map(function (part) { return part.score; }));
    get("fails").textContent = share(fails, state.recent.length);
    get("heldout").textContent = share(count(state.held_out), state.held_out.length);
    if (get("apply")) get("apply").disabled = same() || state.loading;
    showSides();
    draw();
  }

  function same() { return Math.abs(wanted - state.threshold) <= 1e-9 * Math.max(1, state.threshold); }
  function count(scores) { return scores.filter(function (score) { return score > wanted; }).length; }
  function share(some, all) { return all ? some + " of " + all + " (" + (100 * some / all).toFixed(1) + " %)" : "–"; }

  function format(score, digits) { return String(Number(score.toPrecision(digits || 4))); }

  // The fewest significant digits, four or more, in which each score that differs from the limit looks so.
  function digitsApart(limit, scores) {
    let digits = 4;
    while (digits < 17 && scores.some(function (score) { return score !== limit && format(score, digits) === format(limit, digits); })) digits += 1;
    return digits;
  }

  function changes() {
    return state.recent.filter(function (part) { return (part.score > wanted) !== (part.score > state.threshold); }).reverse();
  }

  function showSides() {
    const changed = changes();
    get("sides-none").hidden = changed.length > 0;
    get("sides-count").textContent = changed.length ? changed.length + " of " + state.recent.length + (changed.length > SHOWN ? ", the last " + SHOWN + " are shown" : "") : "";
    get("sides").replaceChildren(...changed.slice(0, SHOWN).map(side));
  }

  function side(part) {
    const item = document.createElement("li"), fails = part.score > wanted;
    item.className = fails ? "to-fail" : "to-pass";
    item.dataset.number = part.number;
    const picture = document.createElement(part.has_picture ? "img" : "div");
    if (part.has_picture) {
      picture.src = "/api/cameras/" + encodeURIComponent(root.dataset.camera) + "/parts/" + part.number + "/small.jpg";
      picture.alt = part.part || "part " + part.number;
    } else { picture.className = "no-picture"; picture.textContent = part.part || "part " + part.number; }
    const words = document.createElement("p"), verdict = document.createElement("span"), score = document.createElement("span");
    verdict.textContent = fails ? "would FAIL" : "would PASS";
    score.textContent = format(part.score, digits);
    words.append(verdict, score);
    item.append(picture, words);
    return item;
  }

  function showLevels() {
    const told = digitsApart(state.threshold, state.levels.flatMap(function (level) { return level.threshold === null ? [] : [level.threshold]; }));
    get("levels").replaceChildren(...state.levels.map(function (level) {
      const button = document.createElement("button"), words = document.createElement("span");
      button.type = "button";
      button.dataset.level = level.key;
      button.textContent = level.words;
      if (level.threshold === null) { words.textContent = level.why_not; button.disabled = true; }
      else {
        const missed = level.missed === null ? "" : ", misses " + level.missed + " of " + state.judged_bad + " bad";
        words.textContent = format(level.threshold, told) + ": rejects " + level.false_rejects + " of " + (state.held_out.length + state.judged_good) + " good" + missed;
      }
      button.append(words);
      button.addEventListener("click", function () { wanted = level.threshold; moved = true; show(); });
      return button;
    }));
  }

  function showHistory() {
    get("history-none").hidden = state.history.length > 0;
    if (get("back")) get("back").disabled = state.history.length === 0 || state.loading;
    get("history").replaceChildren(...state.history.slice(0, 8).map(function (move) {
      const row = document.createElement("tr"), told = digitsApart(move.old, [move.new]);
      [move.utc.slice(0, 16).replace("T", " "), move.who, format(move.old, told), format(move.new, told)].forEach(function (text, column) {
        const cell = document.createElement("td");
        if (column > 1) cell.className = "n";
        cell.textContent = text;
        row.append(cell);
      });
      return row;
    }));
  }

  // Bars: recent parts, solid where they pass, hatched where they fail. Outline: good parts held out.
  function draw() {
    const width = canvas.clientWidth, height = canvas.clientHeight, scale = window.devicePixelRatio || 1;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    const floor = height - 30, inner = width - 2 * PAD, at = function (score) { return PAD + inner * position(score); };
    const bins = function (scores) {
      const found = new Array(BINS).fill(0);
      scores.forEach(function (score) { found[Math.min(BINS - 1, Math.floor(BINS * position(score)))] += 1; });
      return found;
    };
    const recent = state.recent.map(function (part) { return part.score; });
    const passing = bins(recent.filter(function (score) { return score <= wanted; }));
    const failing = bins(recent.filter(function (score) { return score > wanted; }));
    const held = bins(state.held_out), bar = inner / BINS;
    const most = Math.max(1, ...passing.map(function (n, index) { return n + failing[index]; }));
    const mostHeld = Math.max(1, ...held), up = function (share) { return (floor - 34) * share; };
    for (let index = 0; index < BINS; index += 1) {
      const x = PAD + index * bar, low = up(Math.sqrt(passing[index] / most)), all = up(Math.sqrt((passing[index] + failing[index]) / most));
      pen.fillStyle = colour("--pass");
      pen.fillRect(x + 0.5, floor - low, bar - 1, low);
      if (all > low) { pen.fillStyle = hatch(pen); pen.strokeStyle = colour("--fail"); pen.fillRect(x + 0.5, floor - all, bar - 1, all - low); pen.strokeRect(x + 1, floor - all, bar - 2, all - low); }
    }
    pen.strokeStyle = colour("--ink");
    pen.lineWidth = 2;
    pen.beginPath();
    for (let index = 0; index < BINS; index += 1) {
      const y = floor - up(Math.sqrt(held[index] / mostHeld));
      pen.lineTo(PAD + index * bar, y);
      pen.lineTo(PAD + (index + 1) * bar, y);
    }
    pen.stroke();
    pen.strokeStyle = colour("--edge");
    pen.lineWidth = 1;
    line(pen, PAD, floor, width - PAD, floor);
    pen.fillStyle = colour("--faint");
    pen.font = "15px system-ui, sans-serif";
    pen.textAlign = "center";
    const step = round(top / 5);
    for (let score = 0; score <= top; score += step) pen.fillText(Number(score.toFixed(6)), at(score), height - 8);
    state.levels.forEach(function (level) { if (level.threshold !== null) marked(pen, at(level.threshold), floor); });
    mark(pen, at(state.threshold), floor, "in use", colour("--faint"), [6, 5], 14);
    if (!same()) mark(pen, at(wanted), floor, format(wanted, digits), colour("--accent"), [], 30);
  }

  // 1, 2 or 5 times a power of ten.
  function round(step) {
    const power = Math.pow(10, Math.floor(Math.log10(step)));
    return power * [1, 2, 5, 10].find(function (times) { return times * power >= step; });
  }

  function mark(pen, x, floor, words, ink, dash, y) {
    pen.strokeStyle = pen.fillStyle = ink;
    pen.lineWidth = 3;
    pen.setLineDash(dash);
    line(pen, x, y + 4, x, floor);
    pen.setLineDash([]);
    pen.font = "bold 15px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.fillText(words, Math.max(34, Math.min(canvas.clientWidth - 34, x)), y);
  }

  function marked(pen, x, floor) {
    pen.fillStyle = colour("--missed");
    pen.beginPath();
    pen.moveTo(x, floor - 2);
    pen.lineTo(x - 9, floor + 13);
    pen.lineTo(x + 9, floor + 13);
    pen.fill();
  }

  function line(pen, x1, y1, x2, y2) { pen.beginPath(); pen.moveTo(x1, y1); pen.lineTo(x2, y2); pen.stroke(); }

  function hatch(pen) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 7;
    const ink = tile.getContext("2d");
    ink.strokeStyle = colour("--fail");
    ink.lineWidth = 2.6;
    ink.beginPath();
    ink.moveTo(-2, 9); ink.lineTo(9, -2);
    ink.stroke();
    return pen.createPattern(tile, "repeat");
  }

  async function change(method, where, body) {
    try {
      take(await api(method, where, body));
      moved = false;
      get("progress").textContent = "The line takes it over between two parts …";
      while (state.loading) {
        await new Promise(function (done) { setTimeout(done, 300); });
        take(await api("GET", address));
      }
      get("progress").textContent = state.refused ? "Refused: " + state.refused : "In use: " + format(state.threshold);
      say(state.refused || "Threshold " + format(state.threshold) + " is in use", Boolean(state.refused));
    } catch (error) {
      get("progress").textContent = "";
      say(error.message, true);
    }
  }

  slider.addEventListener("input", function () { if (state) { wanted = Math.max(top / STEPS, top * slider.value / STEPS); moved = true; show(); } });
  if (get("apply")) {
    get("apply").addEventListener("click", function () {
      ask("Use threshold " + format(wanted, digits) + " for " + state.product + " from now on?", function () { change("PUT", address, { threshold: wanted }); });
    });
    get("back").addEventListener("click", function () { change("POST", address + "/back"); });
    get("own").addEventListener("click", function () {
      ask("Use the model's own threshold, " + format(state.model_threshold) + "?", function () { change("PUT", address, { threshold: null }); });
    });
  }
  window.addEventListener("resize", function () { if (state) draw(); });
  document.addEventListener("themechange", function () { if (state) draw(); });
  async function refresh() {
    if (!document.hidden) await api("GET", address).then(take, function (error) { say(error.message, true); });
    setTimeout(refresh, 3000);
  }
  refresh();
})();
