// What is drawn of a part: polygons, in regions where there are several; as text, and as the API has it. No page is needed.
"use strict";

// A drawing is {shapes, regions, chosen, region}: the last two say where in the first two one is, -1 for none chosen.
// A shape is {kind: "judge" or "ignore", points: [[x, y], ...], region: where in regions, open: true while it is drawn}.
// A region is {name, limit: "", "false_rejects" or "threshold", value}; without any, all shapes are of one area, at 0.
window.areaShapes = (function () {
  const LIMITS = ["false_rejects", "threshold"];

  function inside(share) { return Math.round(1e4 * Math.min(1, Math.max(0, share))) / 1e4; }

  function closed(drawing, region, kind) {
    return drawing.shapes.filter(function (shape) { return !shape.open && shape.region === region && (!kind || shape.kind === kind); });
  }

  function line(shape) { return shape.kind + " " + shape.points.map(function (point) { return point.join(","); }).join(" "); }

  // As text: a polygon a line, those of a region below a line with its name.
  function written(drawing) {
    if (!drawing.regions.length) return closed(drawing, 0).map(line).join("\n");
    return drawing.regions.map(function (region, at) {
      const head = "region " + region.name + (region.limit ? " " + region.limit + " " + region.value : "");
      return [head, ...closed(drawing, at).map(line)].join("\n");
    }).join("\n");
  }

  // And back: {shapes, regions}. Throws an Error with the line and what it wants.
  function parsed(text) {
    const shapes = [], regions = [];
    text.split("\n").filter(function (words) { return words.trim(); }).forEach(function (words, row) {
      const [kind, ...rest] = words.trim().split(/\s+/);
      const wrong = function (what) { return new Error("line " + (row + 1) + ": " + what); };
      if (kind === "region") {
        if (!regions.length && shapes.length) throw wrong("what stands above it belongs to no region");
        regions.push(parsedRegion(rest, wrong));
      } else if (kind === "judge" || kind === "ignore") {
        shapes.push({ kind: kind, points: parsedPoints(rest, wrong), region: Math.max(0, regions.length - 1), open: false });
      } else throw wrong("wants judge, ignore or region first, got " + kind);
    });
    return { shapes: shapes, regions: regions };
  }

  function parsedRegion(words, wrong) {
    const [name, limit, value] = words;
    if (!name) throw wrong("wants a name for the region");
    if (words.length === 1) return { name: name, limit: "", value: 0 };
    if (!LIMITS.includes(limit) || words.length > 3 || !allowed(limit, Number(value)))
      throw wrong("wants threshold or false_rejects and a number behind the name, or nothing");
    return { name: name, limit: limit, value: Number(value) };
  }

  function parsedPoints(pairs, wrong) {
    if (pairs.length < 3) throw wrong("a polygon has three points at least");
    return pairs.map(function (pair) {
      const point = pair.split(",").map(Number);
      if (point.length !== 2 || pair.split(",").includes("") || !point.every(function (share) { return share >= 0 && share <= 1; }))
        throw wrong("wants x,y from 0 to 1, got " + pair);
      return point.map(inside);
    });
  }

  function allowed(limit, value) { return value > 0 && value < (limit === "threshold" ? Infinity : 1); }

  // What is wrong with the name of a region; empty where nothing is. `rule` is {pattern, most}.
  function nameFault(drawing, at, rule) {
    const name = drawing.regions[at].name;
    if (!new RegExp(rule.pattern).test(name)) return "wants letters, digits, - _ and ., beginning with one of the first two";
    if (name.length > rule.most) return "is longer than " + rule.most + " characters";
    return drawing.regions.some(function (other, number) { return number !== at && other.name === name; }) ? "is the name of another region" : "";
  }

  function freeName(drawing) {
    let number = drawing.regions.length + 1;
    while (drawing.regions.some(function (region) { return region.name === "region-" + number; })) number += 1;
    return "region-" + number;
  }

  // Without one region and what is drawn of it.
  function without(drawing, at) {
    drawing.regions.splice(at, 1);
    drawing.shapes = drawing.shapes.filter(function (shape) { return shape.region !== at; });
    drawing.shapes.forEach(function (shape) { if (shape.region > at) shape.region -= 1; });
  }

  // One area: what any region judges. What one of several ignores another may judge, so that is left out.
  function joined(drawing) {
    if (drawing.regions.length > 1) drawing.shapes = drawing.shapes.filter(function (shape) { return shape.kind === "judge"; });
    drawing.shapes.forEach(function (shape) { shape.region = 0; });
    drawing.regions = [];
  }

  // What the API takes, and what it gives.
  function wish(drawing) {
    const points = function (region, kind) { return closed(drawing, region, kind).map(function (shape) { return shape.points; }); };
    const area = function (at) { return { judge: points(at, "judge"), ignore: points(at, "ignore") }; };
    if (!drawing.regions.length) return area(0);
    return { regions: drawing.regions.map(function (region, at) {
      return Object.assign({ name: region.name }, area(at), region.limit ? { [region.limit]: region.value } : {});
    }) };
  }

  function taken(state) {
    const shapes = [], regions = state.regions.map(function (region) {
      const limit = LIMITS.find(function (key) { return region[key] !== null; }) || "";
      return { name: region.name, limit: limit, value: limit ? region[limit] : 0 };
    });
    (regions.length ? state.regions : [state]).forEach(function (area, at) {
      ["judge", "ignore"].forEach(function (kind) {
        area[kind].forEach(function (points) { shapes.push({ kind: kind, points: points, region: at, open: false }); });
      });
    });
    return { shapes: shapes, regions: regions, chosen: shapes.length ? 0 : -1, region: 0 };
  }

  return { inside, closed, written, parsed, allowed, nameFault, freeName, without, joined, wish, taken };
})();
