// The chart of the history: rejects per hour, failed below and missed on top.
"use strict";

(function () {
  const place = document.querySelector(".hours");
  if (!place) return;
  const data = JSON.parse(place.dataset.chart);
  let plot = null;

  function bars(name) {
    return { stroke: colour(name), fill: colour(name), width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.7, 40, 2], align: 1 }) };
  }

  function axis(size) {
    return { stroke: colour("--faint"), size: size, font: "14px system-ui, sans-serif", grid: { stroke: colour("--rule"), width: 1 }, ticks: { show: false } };
  }

  // An hour stands for itself: one alone must not fill the chart, and the last one has its whole width.
  function range(plot, least, most) { return [least, Math.max(most + 3600, least + 12 * 3600)]; }

  // As 24 hours, and the day where it begins.
  function times(plot, ticks) {
    let day = "";
    return ticks.map(function (tick) {
      const at = new Date(tick * 1000), two = function (value) { return String(value).padStart(2, "0"); };
      const date = at.getFullYear() + "-" + two(at.getMonth() + 1) + "-" + two(at.getDate());
      const words = two(at.getHours()) + ":" + two(at.getMinutes()) + (date === day ? "" : "\n" + date);
      day = date;
      return words;
    });
  }

  function draw() {
    if (plot) plot.destroy();
    const count = Object.assign(axis(56), { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000] });
    plot = new uPlot({
      width: place.clientWidth, height: place.clientHeight, legend: { show: false }, cursor: { show: false }, padding: [10, 12, 0, 0],
      scales: { x: { range: range }, y: { range: function (plot, least, most) { return [0, Math.max(most, 1) * 1.1]; } } },
      axes: [Object.assign(axis(48), { values: times, space: 90 }), count], series: [{}, bars("--missed"), bars("--fail")],
    }, [data.at, data.rejected, data.failed], place);
  }

  draw();
  document.addEventListener("themechange", draw);
  window.addEventListener("resize", draw);
})();
