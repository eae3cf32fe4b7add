// The live page: one stream of events for all cameras, and their charts.
"use strict";

(function () {
  const STALE_MS = 4000; // the server says something every second
  const stale = document.getElementById("stale");
  const lines = Array.from(document.querySelectorAll("section.line")).map(makeLine);
  if (!lines.length) return;
  let source = null, heard = 0, watch = 0;

  function makeLine(section) {
    const status = section.querySelector("[data-status]"), alarms = section.querySelector("[data-alarms]"), rejects = section.querySelector("[data-rejects]"), badges = section.querySelector("[data-badges]");
    const charts = { scores: section.querySelector("[data-chart=scores]"), latency: section.querySelector("[data-chart=latency]") };
    const image = section.querySelector("img.live");
    let last = null, plots = {};

    function draw() {
      if (!last) return;
      const at = last.scores.map(function (_, index) { return last.first_number + index; });
      const threshold = at.map(function () { return last.threshold; });
      // The strangest parts would press all others to the floor: beyond three times the threshold there is one row.
      const most = Math.max(...last.scores.filter(Number.isFinite), 1e-9);
      const top = last.threshold ? Math.min(Math.max(1.6 * last.threshold, most), 3 * last.threshold) * 1.08 : most * 1.1;
      const of = function (letter) {
        return last.scores.map(function (score, index) { return last.verdicts[index] === letter ? Math.min(score === null ? 0 : score, top / 1.035) : null; });
      };
      const series = [points("--pass", 3, circle), points("--fail", 6, last.threshold ? clipped(top / 1.04) : square), points("--missed", 6, triangle), line("--ink", [8, 5])];
      show("scores", [at, of("P"), of("F"), of("M"), threshold], top, series);
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
      section: section,
      show: function (jpeg) { image.src = "data:image/jpeg;base64," + jpeg; },
      take: function (news) {
        replace(status, news.status);
        replace(alarms, news.alarms);
        replace(rejects, news.rejects);
        replace(badges, news.badges);
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

  // Each verdict has a shape of its own.
  function points(name, size, shape) {
    return {
      stroke: colour(name), paths: function () { return null; },
      points: {
        show: function (plot, index) {
          const pen = plot.ctx, scale = uPlot.pxRatio;
          pen.save();
          pen.fillStyle = colour(name);
          plot.data[index].forEach(function (value, at) {
            if (value !== null) shape(pen, plot.valToPos(plot.data[0][at], "x", true), plot.valToPos(value, "y", true), size * scale, value);
          });
          pen.restore();
          return false;
        },
      },
    };
  }

  function circle(pen, x, y, size) { pen.beginPath(); pen.arc(x, y, size, 0, 7); pen.fill(); }
  function square(pen, x, y, size) { pen.fillRect(x - size * 0.8, y - size * 0.8, size * 1.6, size * 1.6); }
  function triangle(pen, x, y, size) { pen.beginPath(); pen.moveTo(x, y - size); pen.lineTo(x - size, y + size * 0.8); pen.lineTo(x + size, y + size * 0.8); pen.fill(); }
  function clipped(limit) { return function (pen, x, y, size, value) { (value >= limit ? triangle : square)(pen, x, y, size); }; }

  function line(name, dash) {
    return { stroke: colour(name), width: 2, dash: dash, points: { show: false } };
  }

  function axis(size) {
    return { stroke: colour("--faint"), size: size, font: "14px system-ui, sans-serif", grid: { stroke: colour("--rule"), width: 1 }, ticks: { show: false } };
  }

  // Cameras that are scrolled out of sight send no pictures.
  const seen = new Set();
  const sight = new IntersectionObserver(function (entries) {
    entries.forEach(function (entry) { if (entry.isIntersecting) seen.add(entry.target.dataset.camera); else seen.delete(entry.target.dataset.camera); });
    if (!document.hidden) open();
  });

  function open() {
    close();
    source = new EventSource("/live?" + new URLSearchParams(Array.from(seen, function (name) { return ["view", name]; })));
    source.addEventListener("picture", function (event) {
      const end = event.data.indexOf(" "), line = find(event.data.slice(0, end));
      if (line) line.show(event.data.slice(end + 1));
    });
    source.onmessage = function (event) {
      heard = Date.now();
      stale.hidden = true;
      JSON.parse(event.data).cameras.forEach(function (news) {
        const line = find(news.name);
        if (line) line.take(news);
      });
    };
    heard = Date.now();
    watch = setInterval(function () { if (Date.now() - heard > STALE_MS) stale.hidden = false; }, 500);
  }

  function find(name) { return lines.find(function (each) { return each.name === name; }); }

  // A page that nobody sees holds no stream: pictures are encoded only while somebody looks.
  function close() {
    if (source) source.close();
    source = null;
    clearInterval(watch);
  }

  document.addEventListener("visibilitychange", function () { if (document.hidden) close(); else open(); });
  window.addEventListener("pagehide", close);
  window.addEventListener("resize", function () { lines.forEach(function (line) { line.draw(); }); });
  document.addEventListener("themechange", function () { lines.forEach(function (line) { line.forget(); }); });
  lines.forEach(function (line) { sight.observe(line.section); }); // which tells at once what is in sight
})();
