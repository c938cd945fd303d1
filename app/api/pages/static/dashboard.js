"use strict";

// Everything is written as text, never as markup: names come from galleries, details from uploads.
const element = (id) => document.getElementById(id);
const COLOURS = { accepted: "#2f7d4f", review: "#c98a1b", unknown: "#7a7f87" };
const MAX_ROWS = 12;
const charts = {};

function headers() {
  const key = element("key").value;
  return key ? { Authorization: `Bearer ${key}` } : {};
}

function make(tag, text, attributes = {}) {
  const made = Object.assign(document.createElement(tag), attributes);
  if (text !== undefined) {
    made.textContent = text;
  }
  return made;
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;

function interval(share) {
  if (!share.whole) {
    return { value: "–", note: "nobody has judged any yet" };
  }
  const note = `${share.part} of ${share.whole}; ${percent(share.low)} to ${percent(share.high)}`;
  return { value: percent(share.part / share.whole), note };
}

function showTiles(quality) {
  const cards = { accepted: 0, review: 0, unknown: 0 };
  let scans = 0;
  for (const day of quality.days) {
    scans += day.scans;
    for (const status of Object.keys(cards)) {
      cards[status] += day.cards[status];
    }
  }
  const all = cards.accepted + cards.review + cards.unknown;
  const accuracy = quality.accuracy;
  const tiles = [
    ["Scans", { value: scans, note: `${all} cards` }],
    ["Accepted", { value: all ? percent(cards.accepted / all) : "–", note: `${cards.review} to review, ${cards.unknown} unknown` }],
    ["Right printing", interval(accuracy.printing)],
    ["Right picture", interval(accuracy.card)],
    ["Right where accepted", interval(accuracy.accepted)],
    ["Strangers called unknown", interval(accuracy.unknown)],
    ["Calibration error", {
      value: accuracy.calibration_error === null ? "–" : accuracy.calibration_error.toFixed(3),
      note: `${accuracy.judged} judged answers, ${accuracy.left_out} left out`,
    }],
    ["Learnt", { value: quality.learnt_templates, note: `templates; ${accuracy.gained} answers gained, ${accuracy.lost} lost` }],
    ["Memory", { value: `${Math.round(quality.anonymous_bytes / 1e6)} MB`, note: "anonymous, now" }],
  ];
  element("tiles").replaceChildren(...tiles.map(([name, { value, note }]) => {
    const tile = make("div");
    const figure = make("dd", value);
    figure.append(make("small", note));
    tile.append(make("dt", name), figure);
    return tile;
  }));
}

function chartWidth() {
  return Math.min(1100, Math.max(300, element("figures").clientWidth));
}

function ink() {
  return getComputedStyle(document.body).color;
}

function axis(more) {
  return { stroke: ink, grid: { stroke: "#8884" }, ticks: { stroke: "#8884" }, ...more };
}

function showDays(days) {
  const at = days.map((day) => Date.parse(`${day.day}T12:00:00Z`) / 1000);
  const accepted = days.map((day) => day.cards.accepted);
  const review = days.map((day, i) => accepted[i] + day.cards.review);
  const unknown = days.map((day, i) => review[i] + day.cards.unknown);
  const bars = uPlot.paths.bars({ size: [0.7, 60] });
  // Each bar stands in front of the taller one of all statuses before it.
  const series = (label, status, of) => ({
    label, fill: COLOURS[status], stroke: COLOURS[status], paths: bars, points: { show: false },
    value: (_, __, ___, i) => (i === null ? "–" : of(days[i])),
  });
  draw("days", {
    height: 260,
    // Half a day on both sides: a single day would else stand alone in years.
    scales: {
      x: { range: (_, first, last) => [first - 43_200, last + 43_200] },
      y: { range: (_, __, most) => [0, Math.max(1, most * 1.05)] },
    },
    series: [
      { value: (_, __, ___, i) => (i === null ? "–" : days[i].day) },
      series("unknown", "unknown", (day) => day.cards.unknown),
      series("review", "review", (day) => day.cards.review),
      series("accepted", "accepted", (day) => day.cards.accepted),
    ],
    axes: [axis(), axis({ label: "cards", size: 60 })],
  }, [at, unknown, review, accepted]);
}

function showCalibration(bins) {
  const sure = bins.map((bin) => bin.mean_confidence);
  const right = bins.map((bin) => bin.right / bin.answers);
  draw("calibration", {
    height: 300,
    scales: { x: { time: false, range: [0, 1] }, y: { range: [0, 1] } },
    series: [
      { label: "confidence", value: (_, value) => (value === null ? "–" : percent(value)) },
      {
        label: "right", stroke: COLOURS.accepted, points: { show: true, size: 8, fill: COLOURS.accepted },
        value: (_, value, __, i) => (value === null || i === null ? "–" : `${percent(value)} of ${bins[i].answers}`),
      },
      { label: "as it says", stroke: COLOURS.unknown, dash: [6, 6], points: { show: false } },
    ],
    axes: [axis({ label: "how sure the answers were" }), axis({ label: "share that was right", size: 70 })],
  }, [sure, right, sure], 520);
}

function draw(id, options, data, widest = Infinity) {
  const place = element(id);
  if (!data[0].length) {
    place.replaceChildren(make("p", "Nothing yet."));
    return;
  }
  charts[id]?.destroy();
  place.replaceChildren();
  charts[id] = new uPlot({ width: Math.min(widest, chartWidth()), ...options }, data, place);
}

function picture(path, alt) {
  const image = make("img", undefined, { alt, loading: "lazy" });
  if (!element("key").value) {
    image.src = path;
    return image;
  }
  // An image element sends no key, and a key must not stand in an address.
  fetch(path, { headers: headers() })
    .then((reply) => (reply.ok ? reply.blob() : Promise.reject(reply)))
    .then((blob) => {
      image.src = URL.createObjectURL(blob);
      image.onload = () => URL.revokeObjectURL(image.src);
    })
    .catch(() => { image.alt = `${alt} (not there any more)`; });
  return image;
}

const crop = (id) => picture(`detections/${id}/image`, "the crop");
const reference = (card) => picture(`cards/${encodeURIComponent(card.card_id)}/image`, `reference picture of ${card.name}`);
const title = (card) => [card.name, card.set_name ?? card.set_id, card.number].filter(Boolean).join(" · ");

function article(pictures, lines, scan) {
  const made = make("article");
  const row = make("div", undefined, { className: "pictures" });
  row.append(...pictures);
  made.append(row, ...lines.map((line) => make("p", line)));
  if (scan) {
    const line = make("p");
    line.append(make("a", "the scan", { href: `scans/${scan}` }));
    made.append(line);
  }
  return made;
}

function showCards(id, articles) {
  element(id).replaceChildren(...(articles.length ? articles : [make("p", "Nothing yet.")]));
}

function showTable(id, head, rows) {
  if (!rows.length) {
    element(id).replaceChildren(make("p", "Nothing yet."));
    return;
  }
  const table = make("table");
  const top = table.createTHead().insertRow();
  top.append(...head.map((name, i) => make("th", name, { scope: "col", className: i ? "number" : "" })));
  const body = table.createTBody();
  for (const cells of rows.slice(0, MAX_ROWS)) {
    const row = body.insertRow();
    cells.forEach((cell, i) => {
      row.append(make("td", cell, { className: i ? "number" : "" }));
    });
  }
  element(id).replaceChildren(table);
  if (rows.length > MAX_ROWS) {
    element(id).append(make("p", `and ${rows.length - MAX_ROWS} more`));
  }
}

function showFigures(quality) {
  showTiles(quality);
  showDays(quality.days);
  showCalibration(quality.accuracy.calibration);
  showCards("review", quality.review.map((one) => article(
    [crop(one.detection_id), ...(one.first ? [reference(one.first)] : [])],
    [one.first ? `${title(one.first)}, ${percent(one.confidence)}` : "no candidate", one.reason],
    one.scan_id,
  )));
  showCards("confused", quality.confused.map((pair) => article(
    [reference(pair.answered), reference(pair.right)],
    [`answered: ${title(pair.answered)}`, `it was: ${title(pair.right)}`, `${pair.times} times`],
  )));
  showCards("unknown", quality.unknown_groups.map((group) => article(
    group.detection_ids.map(crop),
    [`seen ${group.seen === 1 ? "once" : `${group.seen} times`}, last on ${group.last_seen.slice(0, 10)}`],
  )));
  showTable("corrections", ["Standing and reason", "corrections"], quality.reasons.map((one) => [
    one.reason ? `${one.status}: ${one.reason}` : one.status, one.corrections,
  ]));
  showCards("wrong", quality.accuracy.wrong.slice(0, MAX_ROWS).map((one) => article([crop(one.detection_id)], [], one.scan_id)));
  const coverage = (one) => [one.name, one.cards.accepted, one.cards.review];
  showTable("sets", ["Set", "accepted", "review"], quality.sets.map(coverage));
  showTable("languages", ["Language", "accepted", "review"], quality.languages.map(coverage));
  showTable("stages", ["Stage", "median ms", "95 % within"], quality.stages.map((one) => [
    one.stage, Math.round(one.p50_ms), Math.round(one.p95_ms),
  ]));
  showTable("degraded", ["Note", "cards"], Object.entries(quality.degraded));
}

function showEncoders(names) {
  const select = element("filters").elements.encoder;
  const chosen = select.value;
  select.replaceChildren(make("option", "any", { value: "" }), ...names.map((name) => make("option", name, { value: name })));
  select.value = names.includes(chosen) ? chosen : "";
}

async function load() {
  const form = element("filters").elements;
  const query = new URLSearchParams();
  if (form.days.value) {
    query.set("since", new Date(Date.now() - form.days.value * 86_400_000).toISOString());
  }
  for (const name of ["set_id", "encoder"]) {
    if (form[name].value.trim()) {
      query.set(name, form[name].value.trim());
    }
  }
  element("message").textContent = "Counting …";
  try {
    const reply = await fetch(`quality?${query}`, { headers: headers() });
    const body = await reply.json();
    element("figures").hidden = !reply.ok;
    element("message").textContent = reply.ok ? "" : `${body.title}: ${body.detail}`;
    if (reply.ok) {
      showEncoders(body.encoders);
      showFigures(body);
    }
  } catch {
    element("message").textContent = "The service does not answer";
  }
}

element("filters").addEventListener("submit", (event) => {
  event.preventDefault();
  load();
});
load();
