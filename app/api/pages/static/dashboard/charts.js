// The two charts. What they show also stands in tables, which links lead on from.

import { element, nothing } from "./dom.js";
import { longDay, number, percent, shortDay, SIGNS, STATUS } from "./words.js";

const drawn = {};
const DAY_S = 86_400;
const DAY_LABEL_PX = 60;
const AXIS_PX = 80;

export function showCharts(quality, links) {
  const again = () => {
    showDays(quality.days, links);
    showCalibration(quality.accuracy.calibration);
  };
  again();
  window.onresize = again;
  matchMedia("(prefers-color-scheme: dark)").onchange = again;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// Stripes and dots tell the statuses apart without colour.
function pattern(status) {
  const scale = window.devicePixelRatio;
  const tile = Object.assign(document.createElement("canvas"), { width: 8 * scale, height: 8 * scale });
  const brush = tile.getContext("2d");
  brush.scale(scale, scale);
  brush.fillStyle = colour(status);
  brush.fillRect(0, 0, 8, 8);
  brush.strokeStyle = brush.fillStyle = colour("paper");
  brush.lineWidth = 1.5;
  if (status === "review") {
    brush.beginPath();
    for (const at of [-4, 4, 12]) {
      brush.moveTo(at - 6, 10);
      brush.lineTo(at + 6, -2);
    }
    brush.stroke();
  } else if (status === "unknown") {
    brush.fillRect(1, 1, 2, 2);
    brush.fillRect(5, 5, 2, 2);
  }
  return brush.createPattern(tile, "repeat");
}

function axis(more) {
  const ink = colour("ink");
  return { stroke: ink, font: "13px system-ui, sans-serif", labelFont: "13px system-ui, sans-serif",
    grid: { stroke: "#8883" }, ticks: { stroke: "#8886" }, ...more };
}

function showDays(days, links) {
  const at = days.map((day) => Date.parse(`${day.day}T12:00:00Z`) / 1000);
  const accepted = days.map((day) => day.cards.accepted);
  const review = days.map((day, i) => accepted[i] + day.cards.review);
  const unknown = days.map((day, i) => review[i] + day.cards.unknown);
  const bars = uPlot.paths.bars({ size: [0.75, 48] });
  // Each bar stands in front of the taller one of all statuses before it.
  const series = (status) => ({ fill: () => pattern(status), stroke: colour(status), width: 1, paths: bars, points: { show: false } });
  const width = element("days").clientWidth;
  draw("days", {
    width,
    height: 260,
    legend: { show: false },
    cursor: { y: false, drag: { setScale: false, x: false }, points: { show: false } },
    // Half a day on both sides: a single day would else stand alone in years.
    scales: {
      x: { range: (_, first, last) => [first - DAY_S / 2, last + DAY_S / 2] },
      y: { range: (_, __, most) => [0, Math.max(1, most * 1.05)] },
    },
    series: [{}, series("unknown"), series("review"), series("accepted")],
    axes: [
      axis({ splits: () => ticks(days, width), values: (_, seconds) => seconds.map((one) => shortDay(new Date(one * 1000))) }),
      axis({ label: "cards", size: AXIS_PX, values: (_, values) => values.map((one) => (Number.isInteger(one) ? number(one) : "")) }),
    ],
    hooks: { setCursor: [(chart) => readOut(days[chart.cursor.idx])] },
  }, [at, unknown, review, accepted], "Nothing was scanned in this time.");
  const chart = drawn.days;
  chart?.over.addEventListener("click", () => {
    const day = days[chart.cursor.idx];
    if (day) {
      location.hash = links.day(day.day);
    }
  });
}

// Days that have room for their name, each under the middle of its bar.
function ticks(days, width) {
  const first = Date.parse(`${days[0].day}T12:00:00Z`) / 1000;
  const last = Date.parse(`${days[days.length - 1].day}T12:00:00Z`) / 1000;
  const count = Math.round((last - first) / DAY_S) + 1;
  const step = Math.ceil((count * DAY_LABEL_PX) / (width - AXIS_PX));
  return Array.from({ length: Math.ceil(count / step) }, (_, i) => first + i * step * DAY_S);
}

function readOut(day) {
  if (day) {
    const counts = Object.keys(STATUS).map((status) => `${SIGNS[status]} ${number(day.cards[status])} ${STATUS[status]}`);
    element("day").textContent = `${longDay(new Date(day.day))}: ${number(day.scans)} scans with ${counts.join(", ")}`;
  }
}

function showCalibration(bins) {
  const sure = bins.map((bin) => bin.mean_confidence);
  const right = bins.map((bin) => bin.right / bin.answers);
  const shares = (_, values) => values.map((one) => `${Math.round(100 * one)} %`);
  draw("calibration", {
    width: Math.min(520, element("calibration").clientWidth),
    height: 320,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false, range: [0, 1.02] }, y: { range: [0, 1.02] } },
    series: [{}, { stroke: colour("accepted"), width: 2, points: { show: true, size: 9, fill: colour("accepted") } }],
    axes: [axis({ label: "how sure the answers were", values: shares }), axis({ label: "how many were right", size: 64, values: shares })],
    hooks: { drawAxes: [honest] },
  }, [sure, right], "No curve yet.");
  element("calibration").setAttribute("aria-label", bins.map((bin, i) => `${percent(sure[i])} sure, ${percent(right[i])} right`).join("; "));
}

// The line on which confidence means what it says.
function honest(chart) {
  const brush = chart.ctx;
  const x = (value) => chart.valToPos(value, "x", true);
  const y = (value) => chart.valToPos(value, "y", true);
  brush.save();
  brush.strokeStyle = colour("ink");
  brush.lineWidth = window.devicePixelRatio;
  brush.setLineDash([6, 6].map((one) => one * window.devicePixelRatio));
  brush.beginPath();
  brush.moveTo(x(0), y(0));
  brush.lineTo(x(1), y(1));
  brush.stroke();
  brush.restore();
}

function draw(id, options, data, empty) {
  drawn[id]?.destroy();
  delete drawn[id];
  element(id).setAttribute("role", "img");
  element(id).setAttribute("aria-label", "the same as in the table");
  if (!data[0].length) {
    element(id).replaceChildren(nothing(empty));
    return;
  }
  element(id).replaceChildren();
  drawn[id] = new uPlot(options, data, element(id));
}
