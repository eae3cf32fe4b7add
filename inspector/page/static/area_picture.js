// A drawing on the picture: outlines, what is left out of it darkened, and the names of regions.
"use strict";

window.areaPicture = (function () {
  const SVG = "http://www.w3.org/2000/svg", HIGH = 0.07, WIDE = 0.15;  // of a name, in shares of the picture

  function get(id) { return document.getElementById(id); }

  function element(name, attributes, parent) {
    const made = document.createElementNS(SVG, name);
    Object.entries(attributes).forEach(function (entry) { made.setAttribute(entry[0], entry[1]); });
    parent.append(made);
    return made;
  }

  function outline(shape) { return shape.points.map(function (point) { return 1000 * point[0] + "," + 1000 * point[1]; }).join(" "); }

  // Everything that changes while a point is dragged, but for the handles.
  function draw(drawing) {
    const lines = get("lines");
    lines.replaceChildren();
    drawing.shapes.forEach(function (shape, index) {
      const kind = "shape " + shape.kind + (index === drawing.chosen ? " chosen" : "") + (shape.region === drawing.region ? "" : " other");
      element(shape.open ? "polyline" : "polygon", { points: outline(shape), class: kind }, lines).dataset.index = index;
    });
    darken(drawing);
    names(drawing);
  }

  // White is darkened, black is not, and gray, where only other regions are judged, is a little.
  function darken(drawing) {
    const left = get("left-out"), masks = get("masks");
    left.replaceChildren();
    masks.replaceChildren();
    element("rect", { width: 1000, height: 1000, fill: "white" }, left);
    const regions = drawing.regions.length ? drawing.regions.map(function (region, at) { return at; }) : [0];
    const others = regions.filter(function (at) { return at !== drawing.region; });
    [...others, drawing.region].forEach(function (at) {
      const paint = { fill: at === drawing.region ? "black" : "#9a9a9a" };
      const kept = element("mask", { id: "kept-" + at, maskUnits: "userSpaceOnUse", x: 0, y: 0, width: 1000, height: 1000 }, masks);
      element("rect", { width: 1000, height: 1000, fill: "white" }, kept);
      areaShapes.closed(drawing, at, "ignore").forEach(function (shape) { element("polygon", { points: outline(shape), fill: "black" }, kept); });
      const group = element("g", { mask: "url(#kept-" + at + ")" }, left), judged = areaShapes.closed(drawing, at, "judge");
      if (!judged.length && !drawing.regions.length) element("rect", Object.assign({ width: 1000, height: 1000 }, paint), group);
      judged.forEach(function (shape) { element("polygon", Object.assign({ points: outline(shape) }, paint), group); });
    });
  }

  // Above what each region judges, below its edge where there is no room; one below the other where they would cover each other.
  function names(drawing) {
    const placed = [];
    get("names").replaceChildren(...drawing.regions.flatMap(function (region, at) {
      const points = areaShapes.closed(drawing, at, "judge").flatMap(function (shape) { return shape.points; });
      if (!points.length) return [];
      let y = Math.min(...points.map(function (point) { return point[1]; }));
      const top = points.filter(function (point) { return point[1] < y + 0.01; }).map(function (point) { return point[0]; });
      const x = Math.min(0.9, Math.max(0.1, (Math.min(...top) + Math.max(...top)) / 2));
      while (placed.some(function (other) { return Math.abs(other[0] - x) < WIDE && Math.abs(other[1] - y) < HIGH; })) y += HIGH / 4;
      placed.push([x, y]);
      const name = document.createElement("span");
      name.textContent = region.name;
      name.className = (at === drawing.region ? "chosen" : "") + (y < 1.5 * HIGH ? " below" : "");
      name.style.left = 100 * x + "%";
      name.style.top = 100 * y + "%";
      return [name];
    }));
  }

  // Shapes at a place, as shares: those of the region one is in first, the topmost of each first.
  function at(drawing, place) {
    const spot = get("shapes").createSVGPoint();
    [spot.x, spot.y] = [1000 * place[0], 1000 * place[1]];
    const hit = Array.from(get("lines").children).filter(function (shape) { return shape.isPointInFill(spot); });
    const found = hit.map(function (shape) { return Number(shape.dataset.index); }).reverse();
    const own = function (index) { return drawing.shapes[index].region === drawing.region; };
    return [...found.filter(own), ...found.filter(function (index) { return !own(index); })];
  }

  return { draw, at };
})();
