// The list of what is drawn, by region where there are several, and what one may set for the region one is in.
"use strict";

// `editor` is {drawing(), change(words, how): undoable, choose(shape), enter(region), hint(words), rule}.
window.areaRegions = function (editor) {
  const get = function (id) { return document.getElementById(id); };
  const list = get("list"), name = get("region-name"), limit = get("region-limit"), value = get("region-value");

  function button(words, pressed, kind, key, then) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = words;
    made.className = kind;
    made.dataset.key = key;
    made.setAttribute("aria-pressed", String(pressed));
    made.addEventListener("click", then);
    return made;
  }

  function item(...inside) {
    const made = document.createElement("li");
    made.append(...inside);
    return made;
  }

  function polygons(drawing, region) {
    const indices = drawing.shapes.flatMap(function (shape, index) { return shape.region === region ? [index] : []; });
    return indices.map(function (index, number) {
      const shape = drawing.shapes[index];
      const words = (number + 1) + ". " + shape.kind + ", " + shape.points.length + " points" + (shape.open ? " …" : "");
      return item(button(words, index === drawing.chosen, shape.kind, "shape-" + index, function () { editor.choose(index); }));
    });
  }

  // The region one is in with its polygons, of another only how many there are.
  function group(drawing, region, at) {
    const inside = at === drawing.region, own = polygons(drawing, at), count = document.createElement("small");
    const head = button(region.name || "(no name)", inside, "region", "region-" + at, function () { editor.enter(at); });
    count.textContent = own.length === 1 ? "1 polygon" : own.length + " polygons";
    head.append(count);
    if (!inside || !own.length) return item(head);
    const nested = document.createElement("ul");
    nested.className = "polygons";
    nested.setAttribute("aria-label", "Polygons of " + region.name);
    nested.append(...own);
    return item(head, nested);
  }

  function show() {
    const drawing = editor.drawing(), regions = drawing.regions, several = regions.length > 0;
    const key = list.contains(document.activeElement) ? document.activeElement.dataset.key : "";
    list.replaceChildren(...(several ? regions.map(function (region, at) { return group(drawing, region, at); }) : polygons(drawing, 0)));
    list.classList.toggle("grouped", several);
    const had = key && list.querySelector("[data-key='" + key + "']");
    if (had) had.focus({ preventScroll: true });
    get("none").hidden = several || drawing.shapes.length > 0;
    get("several").hidden = several;
    get("regions").hidden = get("regions-words").hidden = !several;
    if (several) showRegion(regions[drawing.region]);
  }

  function showRegion(region) {
    name.value = region.name;
    limit.value = region.limit;
    get("region-value-field").hidden = !region.limit;
    get("region-unit").textContent = region.limit === "threshold" ? "Threshold" : "Good parts rejected, %";
    value.value = shown(region);
    const fault = areaShapes.nameFault(editor.drawing(), editor.drawing().region, editor.rule);
    complain(name, fault && "This name " + fault);
  }

  function shown(region) { return region.limit === "false_rejects" ? Number((100 * region.value).toPrecision(9)) : region.value; }

  function complain(field, words) {
    const wrong = get("region-wrong");
    wrong.textContent = words;
    wrong.hidden = !words;
    [name, value].forEach(function (each) { each.removeAttribute("aria-invalid"); });
    if (words) field.setAttribute("aria-invalid", "true");
  }

  function toName() { name.focus(); name.select(); }

  function add(drawing) {
    drawing.regions.push({ name: areaShapes.freeName(drawing), limit: "", value: 0 });
    drawing.region = drawing.regions.length - 1;
  }

  get("several").addEventListener("click", function () {
    editor.change("What was drawn is the first region: name it", add);
    toName();
  });
  get("region-add").addEventListener("click", function () {
    if (editor.drawing().regions.length >= editor.rule.regions) return editor.hint("There are " + editor.rule.regions + " regions: more are not possible");
    editor.change("Name the region, then draw what to judge", function (drawing) { add(drawing); drawing.chosen = -1; });
    toName();
  });
  get("region-remove").addEventListener("click", function () {
    editor.change("Region removed", function (drawing) {
      areaShapes.without(drawing, drawing.region);
      drawing.region = Math.max(0, drawing.region - 1);
      drawing.chosen = -1;
    });
    get(editor.drawing().regions.length ? "region-add" : "several").focus();
  });
  get("one").addEventListener("click", function () {
    editor.change("One area: what the regions judged. Undo brings them back", function (drawing) {
      areaShapes.joined(drawing);
      drawing.region = 0;
      drawing.chosen = -1;
    });
    get("several").focus();
  });
  name.addEventListener("change", function () {
    editor.change("Renamed", function (drawing) { drawing.regions[drawing.region].name = name.value.trim(); });
  });
  limit.addEventListener("change", function () {
    editor.change("", function (drawing) {
      Object.assign(drawing.regions[drawing.region], { limit: limit.value, value: limit.value === "threshold" ? 1 : limit.value ? 0.01 : 0 });
    });
  });
  value.addEventListener("change", function () {
    const number = limit.value === "threshold" ? Number(value.value) : Number((Number(value.value) / 100).toPrecision(9));
    if (!areaShapes.allowed(limit.value, number)) return complain(value, limit.value === "threshold" ? "Wants a number above 0" : "Wants a number above 0 and below 100");
    editor.change("", function (drawing) { drawing.regions[drawing.region].value = number; });
  });

  return { show };
};
