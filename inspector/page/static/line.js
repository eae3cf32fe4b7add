// The live page: one stream of events for all cameras, and their charts.
"use strict";

(function () {
  const STALE_MS = 4000; // the server says something every second
  const stale = document.getElementById("stale");
  const lines = Array.from(document.querySelectorAll("section.line")).map(makeLine);
  if (!lines.length) return;
  let source = null, heard = 0, watch = 0;

  function makeLine(section) {
    const status = section.querySelector("[data-status]"), alarms = section.querySelector("[data-alarms]");
    const charts = { scores: section.querySelector("[data-chart=scores]"), latency: section.querySelector("[data-chart=latency]") };
    const image = section.querySelector("img.live");
    let last = null, plots = {};

    function draw() {
      if (!last) return;
      const at = last.scores.map(function (_, index) { return last.first_number + index; });
      const threshold = at.map(function () { return last.threshold; });
      const of = function (letter) { return last.scores.map(function (score, index) { return last.verdicts[index] === letter ? (score === null ? 0 : score) : null; }); };
      const top = Math.max((last.threshold || 0) * 1.6, ...last.scores.filter(Number.isFinite), 1e-9) * 1.05;
      show("scores", [at, of("P"), of("F"), of("M"), threshold], top, [dots("--pass", 5), dots("--fail", 8), dots("--missed", 8), line("--ink", [8, 5])]);
      const deadline = at.map(function () { return last.deadline_ms; });
      const slowest = Math.max(last.deadline_ms || 0, ...last.latencies_ms.filter(Number.isFinite), 1) * 1.15;
      show("latency", [at, last.latencies_ms, deadline], slowest, [line("--accent"), line("--fail", [8, 5])]);
    }

    function show(name, data, top, series) {
      const place = charts[name], width = Math.floor(place.clientWidth), height = Math.floor(place.clientHeight);
      if (!plots[name]) {
        place.replaceChildren();
        plots[name] = new uPlot({
          width: width, height: height, legend: { show: false }, cursor: { show: false }, padding: [8, 8, 0, 0],
          scales: { x: { time: false }, y: { range: function () { return [0, plots[name] ? plots[name].top : top]; } } },
          axes: [axis(28), axis(52)], series: [{}].concat(series),
        }, data, place);
      }
      plots[name].top = top;
      if (plots[name].width !== width || plots[name].height !== height) plots[name].setSize({ width: width, height: height });
      plots[name].setData(data);
    }

    return {
      name: section.dataset.camera,
      image: image,
      take: function (news) {
        replace(status, news.status);
        replace(alarms, news.alarms);
        if (news.sequence > 0 && !image.hasAttribute("src")) image.src = image.dataset.src + "?" + Date.now();
        if (!last || last.sequence !== news.sequence || last.threshold !== news.threshold) { last = news; draw(); }
      },
      draw: draw,
      forget: function () { Object.values(plots).forEach(function (plot) { plot.destroy(); }); plots = {}; draw(); },
    };
  }

  // Only what has changed: who reads a page aloud is not disturbed by what stays.
  function replace(element, html) {
    if (element.dataset.html !== html) { element.dataset.html = html; element.innerHTML = html; htmx.process(element); }
  }

  function dots(name, size) {
    return { stroke: colour(name), fill: colour(name), paths: function () { return null; }, points: { show: true, size: size, width: 1, fill: colour(name) } };
  }

  function line(name, dash) {
    return { stroke: colour(name), width: 2, dash: dash, points: { show: false } };
  }

  function axis(size) {
    return { stroke: colour("--faint"), size: size, font: "14px system-ui, sans-serif", grid: { stroke: colour("--rule"), width: 1 }, ticks: { show: false } };
  }

  function open() {
    close();
    source = new EventSource("/live");
    source.onmessage = function (event) {
      heard = Date.now();
      stale.hidden = true;
      JSON.parse(event.data).cameras.forEach(function (news) {
        const line = lines.find(function (each) { return each.name === news.name; });
        if (line) line.take(news);
      });
    };
    heard = Date.now();
    watch = setInterval(function () { if (Date.now() - heard > STALE_MS) stale.hidden = false; }, 500);
  }

  // A page that nobody sees holds no streams: the video is encoded only while somebody looks.
  function close() {
    if (source) source.close();
    source = null;
    clearInterval(watch);
    lines.forEach(function (line) { line.image.removeAttribute("src"); });
  }

  document.addEventListener("visibilitychange", function () { if (document.hidden) close(); else open(); });
  window.addEventListener("pagehide", close);
  window.addEventListener("resize", function () { lines.forEach(function (line) { line.draw(); }); });
  document.addEventListener("themechange", function () { lines.forEach(function (line) { line.forget(); }); });
  // Behind the page itself: a picture that never ends would never let it be complete.
  if (document.readyState === "complete") open(); else window.addEventListener("load", open);
})();
