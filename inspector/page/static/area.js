// The area of a part, or its regions, drawn on a good picture: polygons to judge and to ignore, by mouse, finger, keys or
// as text. What is drawn is described in area_shapes.js.
"use strict";

(function () {
  const root = document.getElementById("area");
  if (!root) return;
  const STEP = 0.01, FINE = 0.001, KEPT = 200, inside = areaShapes.inside;
  const get = function (id) { return document.getElementById(id); };
  const address = "/api/products/" + encodeURIComponent(root.dataset.product) + "/area";
  const stage = get("stage"), picture = get("picture"), handles = get("handles"), text = get("points");
  const regions = areaRegions({ drawing: function () { return all; }, change: change, choose: choose, enter: enter, hint: hint, rule: JSON.parse(root.dataset.names) });
  let all = areaShapes.taken(JSON.parse(root.dataset.area)), past = [], saved = areaShapes.written(all), number = 0, cursor = [0.5, 0.5];

  function current() { return all.shapes[all.chosen]; }
  function drawing() { return all.chosen >= 0 && current().open; }
  function percent(share) { return Math.round(100 * share) + " %"; }
  function written() { return areaShapes.written(all); }
  function hint(words) { get("hint").textContent = words; }

  function remember() {
    past.push(JSON.stringify(all));
    if (past.length > KEPT) past.shift();
  }

  function undo() {
    if (!past.length) return;
    all = JSON.parse(past.pop());
    show();
    hint("Undone");
  }

  function change(words, how) {
    if (drawing()) giveUp();
    remember();
    how(all);
    show();
    hint(words);
  }

  // What changes while a point is dragged: lines, and where the handles are.
  function place() {
    areaPicture.draw(all);
    handles.querySelectorAll("button").forEach(function (handle) {
      const [x, y] = whereIs(handle);
      handle.style.left = 100 * x + "%";
      handle.style.top = 100 * y + "%";
      handle.setAttribute("aria-label", named(handle, x, y));
    });
    text.value = written();
  }

  function whereIs(handle) {
    if (handle.dataset.cursor) return cursor;
    const points = current().points, at = Number(handle.dataset.at), [x, y] = points[at];
    if (!handle.dataset.between) return [x, y];
    const next = points[(at + 1) % points.length];
    return [(x + next[0]) / 2, (y + next[1]) / 2];
  }

  function named(handle, x, y) {
    const there = percent(x) + " from the left, " + percent(y) + " from the top";
    if (handle.dataset.cursor) return "Crosshair, " + there + ": arrows move it, Enter puts a point";
    const at = Number(handle.dataset.at);
    return handle.dataset.between ? "Add a point behind point " + (at + 1) : "Point " + (at + 1) + " of " + current().points.length + ", " + there;
  }

  function handle(data) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "handle" + (data.between ? " between" : "") + (data.cursor ? " cursor" : "");
    Object.assign(made.dataset, data);
    handles.append(made);
  }

  // All of it anew; the point that had the focus keeps it, or the one that is `wanted` gets it.
  function show(wanted) {
    const had = handles.contains(document.activeElement) ? document.activeElement.dataset.at : undefined;
    if (all.chosen >= all.shapes.length) all.chosen = all.shapes.length - 1;
    if (all.chosen >= 0) all.region = current().region;
    showHandles();
    place();
    regions.show();
    get("close").disabled = !drawing() || current().points.length < 3;
    get("undo").disabled = !past.length;
    get("delete").disabled = all.chosen < 0;
    get("save").disabled = drawing() || written() === saved;
    stage.classList.toggle("drawing", drawing());
    complain("");
    const next = handleOf(wanted === undefined ? had : wanted);
    if (next) next.focus({ preventScroll: true });
  }

  function showHandles() {
    handles.replaceChildren();
    if (all.chosen < 0) return;
    const each = current().points.map(function (point, at) { return at; });
    if (!drawing()) each.forEach(function (at) { handle({ at: at, between: "1" }); });
    each.forEach(function (at) { handle({ at: at }); });
    if (drawing()) handle({ cursor: "1" });
  }

  function handleOf(at) {
    return at === undefined ? null : handles.querySelector(at === "cursor" ? ".cursor" : "[data-at='" + at + "']:not(.between)");
  }

  function complain(words) {
    get("points-wrong").textContent = words;
    get("points-wrong").hidden = !words;
    if (words) text.setAttribute("aria-invalid", "true"); else text.removeAttribute("aria-invalid");
  }

  function choose(index) {
    const shape = all.shapes[index];
    if (drawing()) giveUp();
    all.chosen = all.shapes.indexOf(shape);
    show();
  }

  function enter(region) {
    if (drawing()) giveUp();
    all.chosen = -1;
    all.region = region;
    show();
  }

  function giveUp() {
    all.shapes = all.shapes.filter(function (shape) { return !shape.open; });
    all.chosen = -1;
  }

  function begin(kind) {
    if (drawing()) giveUp();
    remember();
    all.shapes.push({ kind: kind, points: [], region: all.region, open: true });
    all.chosen = all.shapes.length - 1;
    cursor = [0.5, 0.5];
    show("cursor");
    const where = all.regions.length ? " in " + all.regions[all.region].name : "";
    hint("Put the corners of what to " + kind + where + " on the picture, then close it");
  }

  function put(point) {
    remember();
    current().points.push(point.map(inside));
    show("cursor");
    hint(current().points.length < 3 ? current().points.length + " of at least 3 points" : current().points.length + " points: close it, or go on");
  }

  function close() {
    if (!drawing() || current().points.length < 3) return;
    remember();
    current().open = false;
    show(0);
    hint("Closed. Points can be dragged, or moved with the arrow keys");
  }

  function remove(at) {
    remember();
    current().points.splice(at, 1);
    if (!current().open && current().points.length < 3) all.shapes.splice(all.chosen, 1);
    show(Math.max(0, at - 1));
    hint("Taken away");
  }

  function insert(at) {
    remember();
    const points = current().points, next = points[(at + 1) % points.length];
    points.splice(at + 1, 0, [inside((points[at][0] + next[0]) / 2), inside((points[at][1] + next[1]) / 2)]);
    show(at + 1);
    return handleOf(at + 1);
  }

  function shareOf(event) {
    const box = stage.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map(inside);
  }

  // A finger or a pen draws as the mouse does.
  let dragged = null;
  stage.addEventListener("pointerdown", function (event) {
    if (event.button !== 0) return;
    event.preventDefault();
    if (document.activeElement.matches("input, select, textarea")) document.activeElement.blur();  // takes over what was typed
    const grip = event.target.closest(".handle");
    if (drawing()) {
      if (grip && grip.dataset.at === "0" && current().points.length > 2) close();
      else put(shareOf(event));
    } else if (grip) {
      const held = grip.dataset.between ? insert(Number(grip.dataset.at)) : grip;
      if (!grip.dataset.between) remember();
      dragged = Number(held.dataset.at);
      held.focus({ preventScroll: true });
      stage.setPointerCapture(event.pointerId);
    } else {
      const found = areaPicture.at(all, shareOf(event));  // where several lie, each click takes the next
      choose(found.length ? found[(found.indexOf(all.chosen) + 1) % found.length] : -1);
    }
  });
  stage.addEventListener("pointermove", function (event) {
    if (dragged === null) return;
    current().points[dragged] = shareOf(event);
    place();
  });
  ["pointerup", "pointercancel"].forEach(function (name) {
    stage.addEventListener(name, function () { if (dragged !== null) { dragged = null; show(); } });
  });

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  handles.addEventListener("keydown", function (event) {
    const grip = event.target.closest(".handle"), arrow = ARROWS[event.key];
    if (!grip) return;
    const at = Number(grip.dataset.at), step = event.shiftKey ? FINE : STEP;
    if (arrow && !grip.dataset.between) {
      const from = grip.dataset.cursor ? cursor : current().points[at];
      const to = [inside(from[0] + step * arrow[0]), inside(from[1] + step * arrow[1])];
      if (grip.dataset.cursor) { cursor = to; place(); } else { if (!event.repeat) remember(); current().points[at] = to; show(at); }
    } else if (event.key === "Delete" || event.key === "Backspace") {
      if (!grip.dataset.cursor) remove(at);
      else if (current().points.length) { remove(current().points.length - 1); show("cursor"); }
    } else if (event.key === "Enter" || event.key === " ") {
      if (grip.dataset.cursor) put(cursor);
      else if (grip.dataset.between) insert(at);
      else if (drawing() && at === 0) close();
    } else return;
    event.preventDefault();
  });
  document.addEventListener("keydown", function (event) {
    if (event.target.matches("input, textarea")) return;
    if (event.key === "z" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); undo(); }
    if (event.key === "Escape" && drawing()) { giveUp(); show(); hint("Given up"); }
  });

  text.addEventListener("change", function () {
    try {
      const wanted = areaShapes.parsed(text.value);
      remember();
      Object.assign(all, wanted, { region: Math.min(all.region, Math.max(0, wanted.regions.length - 1)), chosen: Math.min(Math.max(all.chosen, 0), wanted.shapes.length - 1) });
      show();
    } catch (error) { complain(error.message); }
  });

  get("judge").addEventListener("click", function () { begin("judge"); });
  get("ignore").addEventListener("click", function () { begin("ignore"); });
  get("close").addEventListener("click", close);
  get("undo").addEventListener("click", undo);
  get("delete").addEventListener("click", function () { remember(); all.shapes.splice(all.chosen, 1); show(); hint("Polygon deleted"); });

  get("save").addEventListener("click", async function () {
    try {
      const kept = await api("PUT", address, areaShapes.wish(all));
      saved = written();
      get("waits").hidden = !kept.waits;
      show();
      say(kept.waits ? "Saved for the next training" : "Saved: the model in use has learned this");
    } catch (error) { say(error.message, true); }
  });

  async function turn(by) {
    number = (number + by + Number(root.dataset.pictures)) % Number(root.dataset.pictures);
    get("which").textContent = (number + 1) + " of " + root.dataset.pictures;
    const answer = await fetch("/setup/area/picture.jpg?product=" + encodeURIComponent(root.dataset.product) + "&number=" + number);
    if (!answer.ok) return hint((await answer.json()).detail);
    URL.revokeObjectURL(picture.src);
    picture.src = URL.createObjectURL(await answer.blob());
  }
  picture.addEventListener("load", function () {  // as large as there is room for
    const shape = picture.naturalWidth / picture.naturalHeight;
    stage.dataset.size = picture.naturalWidth + " x " + picture.naturalHeight;
    stage.style.aspectRatio = shape;
    stage.style.width = "min(100%, " + (68 * shape).toFixed(3) + "vh)";
    get("judge").disabled = get("ignore").disabled = false;  // until there is one, no place on it can be meant
  });
  get("previous").addEventListener("click", function () { turn(-1); });
  get("next").addEventListener("click", function () { turn(1); });
  window.addEventListener("beforeunload", function (event) { if (written() !== saved) event.preventDefault(); });

  turn(0);
  show();
})();
