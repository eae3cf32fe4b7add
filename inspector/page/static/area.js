// The area of a part, drawn on a good picture: polygons to judge and to ignore, by mouse, finger, keys or as text.
"use strict";

(function () {
  const root = document.getElementById("area");
  if (!root) return;
  const SVG = "http://www.w3.org/2000/svg", STEP = 0.01, FINE = 0.001, KEPT = 200;
  const get = function (id) { return document.getElementById(id); };
  const address = "/api/products/" + encodeURIComponent(root.dataset.product) + "/area";
  const stage = get("stage"), picture = get("picture"), handles = get("handles"), list = get("list"), text = get("points");
  // A shape is {kind: "judge" or "ignore", points: [[x, y], ...], open: true while it is drawn}.
  let shapes = [], chosen = -1, past = [], saved = "", number = 0, cursor = [0.5, 0.5];

  function current() { return shapes[chosen]; }
  function drawing() { return chosen >= 0 && current().open; }
  function inside(share) { return Math.round(1e4 * Math.min(1, Math.max(0, share))) / 1e4; }
  function percent(share) { return Math.round(100 * share) + " %"; }
  function closed() { return shapes.filter(function (shape) { return !shape.open; }); }
  function hint(words) { get("hint").textContent = words; }

  function remember() {
    past.push(JSON.stringify([shapes, chosen]));
    if (past.length > KEPT) past.shift();
  }

  function undo() {
    if (!past.length) return;
    [shapes, chosen] = JSON.parse(past.pop());
    show();
    hint("Undone");
  }

  // Shapes as text and back: a polygon a line.
  function written() {
    return closed().map(function (shape) { return shape.kind + " " + shape.points.map(function (point) { return point.join(","); }).join(" "); }).join("\n");
  }

  function parsed(lines) {
    return lines.split("\n").filter(function (line) { return line.trim(); }).map(function (line, row) {
      const [kind, ...rest] = line.trim().split(/\s+/);
      if (kind !== "judge" && kind !== "ignore") throw new Error("line " + (row + 1) + ": wants judge or ignore first, got " + kind);
      const points = rest.map(function (pair) {
        const point = pair.split(",").map(Number);
        if (point.length !== 2 || pair.split(",").includes("") || !point.every(function (share) { return share >= 0 && share <= 1; }))
          throw new Error("line " + (row + 1) + ": wants x,y from 0 to 1, got " + pair);
        return point.map(inside);
      });
      if (points.length < 3) throw new Error("line " + (row + 1) + ": a polygon has three points at least");
      return { kind: kind, points: points, open: false };
    });
  }

  function element(name, attributes, parent) {
    const made = document.createElementNS(SVG, name);
    Object.entries(attributes).forEach(function (entry) { made.setAttribute(entry[0], entry[1]); });
    parent.append(made);
    return made;
  }

  function outline(shape) { return shape.points.map(function (point) { return 1000 * point[0] + "," + 1000 * point[1]; }).join(" "); }

  // What changes while a point is dragged: lines, and where the handles are.
  function place() {
    const lines = get("lines"), mask = get("left-out"), done = closed();
    lines.replaceChildren();
    mask.replaceChildren();
    shapes.forEach(function (shape, index) {
      const kind = "shape " + shape.kind + (index === chosen ? " chosen" : "");
      element(shape.open ? "polyline" : "polygon", { points: outline(shape), class: kind }, lines);
    });
    const judged = done.filter(function (shape) { return shape.kind === "judge"; });
    const paint = function (shape, colour) { element("polygon", { points: outline(shape), fill: colour }, mask); };
    element("rect", { width: 1000, height: 1000, fill: judged.length ? "white" : "black" }, mask);
    judged.forEach(function (shape) { paint(shape, "black"); });
    done.filter(function (shape) { return shape.kind === "ignore"; }).forEach(function (shape) { paint(shape, "white"); });
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
    if (chosen >= shapes.length) chosen = shapes.length - 1;
    showHandles();
    place();
    list.replaceChildren(...shapes.map(entry));
    get("none").hidden = shapes.length > 0;
    get("close").disabled = !drawing() || current().points.length < 3;
    get("undo").disabled = !past.length;
    get("delete").disabled = chosen < 0;
    get("save").disabled = drawing() || written() === saved;
    stage.classList.toggle("drawing", drawing());
    complain("");
    const next = handleOf(wanted === undefined ? had : wanted);
    if (next) next.focus({ preventScroll: true });
  }

  function showHandles() {
    handles.replaceChildren();
    if (chosen < 0) return;
    const each = current().points.map(function (point, at) { return at; });
    if (!drawing()) each.forEach(function (at) { handle({ at: at, between: "1" }); });
    each.forEach(function (at) { handle({ at: at }); });
    if (drawing()) handle({ cursor: "1" });
  }

  function handleOf(at) {
    return at === undefined ? null : handles.querySelector(at === "cursor" ? ".cursor" : "[data-at='" + at + "']:not(.between)");
  }

  function entry(shape, index) {
    const item = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.textContent = (index + 1) + ". " + shape.kind + ", " + shape.points.length + " points" + (shape.open ? " …" : "");
    button.setAttribute("aria-pressed", String(index === chosen));
    button.className = shape.kind;
    button.addEventListener("click", function () { choose(index); });
    item.append(button);
    return item;
  }

  function complain(words) {
    get("points-wrong").textContent = words;
    get("points-wrong").hidden = !words;
    if (words) text.setAttribute("aria-invalid", "true"); else text.removeAttribute("aria-invalid");
  }

  function choose(index) {
    if (drawing()) giveUp();
    chosen = index;
    show();
  }

  function giveUp() {
    shapes = closed();
    chosen = -1;
  }

  function begin(kind) {
    if (drawing()) giveUp();
    remember();
    shapes.push({ kind: kind, points: [], open: true });
    chosen = shapes.length - 1;
    cursor = [0.5, 0.5];
    show("cursor");
    hint("Put the corners of what to " + kind + " on the picture, then close it");
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
    if (!current().open && current().points.length < 3) shapes.splice(chosen, 1);
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
    if (document.activeElement === text) text.blur();  // takes over what was typed
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
      const [x, y] = shareOf(event), spot = get("shapes").createSVGPoint();
      spot.x = 1000 * x;
      spot.y = 1000 * y;
      const drawn = Array.from(get("lines").children);
      choose(drawn.findLastIndex(function (shape) { return shape.isPointInFill(spot); }));
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
    if (event.target === text) return;
    if (event.key === "z" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); undo(); }
    if (event.key === "Escape" && drawing()) { giveUp(); show(); hint("Given up"); }
  });

  text.addEventListener("change", function () {
    try {
      const wanted = parsed(text.value);
      remember();
      shapes = wanted;
      chosen = Math.min(Math.max(chosen, 0), shapes.length - 1);
      show();
    } catch (error) { complain(error.message); }
  });

  get("judge").addEventListener("click", function () { begin("judge"); });
  get("ignore").addEventListener("click", function () { begin("ignore"); });
  get("close").addEventListener("click", close);
  get("undo").addEventListener("click", undo);
  get("delete").addEventListener("click", function () { remember(); shapes.splice(chosen, 1); show(); hint("Polygon deleted"); });

  function take(area) {
    const of = function (kind) { return area[kind].map(function (points) { return { kind: kind, points: points, open: false }; }); };
    return of("judge").concat(of("ignore"));
  }

  get("save").addEventListener("click", async function () {
    const of = function (kind) { return closed().filter(function (shape) { return shape.kind === kind; }).map(function (shape) { return shape.points; }); };
    try {
      const kept = await api("PUT", address, { judge: of("judge"), ignore: of("ignore") });
      saved = written();
      get("waits").hidden = !kept.waits;
      show();
      say(kept.waits ? "Saved for the next training" : "Saved: the model in use has learned this area");
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
  shapes = take(JSON.parse(root.dataset.area));
  chosen = shapes.length ? 0 : -1;
  saved = written();
  show();
})();
