// Tables of counts; every count leads to its scans.

import { element, figure, make, nothing } from "./dom.js";
import { counted, longDay, milliseconds, NOTES, number, percent, SIGNS, STAGES, STANDING, STATUS } from "./words.js";

const MAX_ROWS = 12;

export function showTables(quality, links) {
  const counts = (cards, link, statuses = Object.keys(STATUS)) => statuses.map(
    (status) => figure(number(cards[status]), link({ status }), cards[status]),
  );
  const headings = Object.keys(STATUS).map((status) => `${SIGNS[status]} ${STATUS[status]}`);
  table("days-table", ["Day", "Scans", ...headings], quality.days.map((day) => [
    longDay(new Date(day.day)),
    figure(number(day.scans), links.day(day.day)),
    ...counts(day.cards, (conditions) => links.day(day.day, conditions)),
  ]).reverse(), "Nothing was scanned.", Infinity);
  calibration(quality.accuracy.calibration, links);
  // In the order of the words for them.
  const standing = Object.keys(STANDING).filter((one) => quality.corrections[one]);
  table("standing", ["How corrections stand", "Corrections"], standing.map((one) => [
    STANDING[one], figure(number(quality.corrections[one]), links.toCorrections({ correction: one })),
  ]), "Nobody has corrected or confirmed anything in this time.");
  table("corrections", ["How corrections stand, and why", "Corrections"], quality.reasons.map((one) => [
    one.reason ? `${STANDING[one.status]}: ${one.reason}` : STANDING[one.status],
    figure(number(one.corrections), links.toCorrections({ correction: one.status, reason: one.reason })),
  ]), "No reasons yet.");
  if (quality.more_reasons) {
    element("corrections").append(make("p", `${counted(quality.more_reasons, "rarer reason")} not listed.`, { className: "hint" }));
  }
  const covered = (name) => (one) => [
    one.name, ...counts(one.cards, (conditions) => links.to({ [name]: one.key, ...conditions }), ["accepted", "review"]),
  ];
  table("sets", ["Set", ...headings.slice(0, 2)], quality.sets.map(covered("set_id")), "No card was named.");
  table("languages", ["Language", ...headings.slice(0, 2)], quality.languages.map(covered("language")), "No card was named.");
  table("stages", ["Stage", "Half within", "95 % within"], inOrder(quality.stages).map((one) => [
    STAGES[one.stage] ?? one.stage,
    ...[one.p50_ms, one.p95_ms].map((limit) => figure(
      milliseconds(limit), links.to({ set_id: null, stage: one.stage, slower_than_ms: limit }),
    )),
  ]), "No scan was timed.");
  table("degraded", ["What", "Cards"], Object.entries(quality.degraded).map(([note, cards]) => [
    NOTES[note] ?? note, figure(number(cards), links.to({ degraded: note })),
  ]), "Nothing was cut short.");
}

// As they follow one another, those that nobody knows last.
function inOrder(stages) {
  const place = ({ stage }) => (Object.keys(STAGES).indexOf(stage) + 1) || Infinity;
  return [...stages].sort((one, other) => place(one) - place(other));
}

function calibration(bins, links) {
  table("calibration-table", ["Answers this sure", "Were right", "Right", "Wrong"], bins.map((bin) => {
    const range = { confidence_from: bin.confidence_from, confidence_to: bin.confidence_to };
    const link = (judged) => links.to({ ...range, judged });
    const wrong = bin.answers - bin.right;
    return [
      `${Math.round(100 * bin.confidence_from)} to ${Math.round(100 * bin.confidence_to)} %`,
      percent(bin.right / bin.answers),
      figure(number(bin.right), link("right"), bin.right),
      figure(number(wrong), link("wrong"), wrong),
    ];
  }).reverse(), "Nobody has judged an answer in this time. Confirming a right one counts, too.");
}

function table(id, head, rows, empty, most = MAX_ROWS) {
  if (!rows.length) {
    element(id).replaceChildren(nothing(empty));
    return;
  }
  element(id).replaceChildren(filled(head, rows.slice(0, most)));
  if (rows.length > most) {
    const rest = make("details");
    rest.append(make("summary", `and ${rows.length - most} more`), filled(head, rows.slice(most)));
    element(id).append(rest);
  }
}

function filled(head, rows) {
  const made = make("table");
  const top = made.createTHead().insertRow();
  top.append(...head.map((name, i) => make("th", name, { scope: "col", className: i ? "number" : "" })));
  const body = made.createTBody();
  for (const [name, ...cells] of rows) {
    const row = body.insertRow();
    row.append(make("th", name, { scope: "row" }));
    for (const cell of cells) {
      const place = make("td", undefined, { className: "number" });
      place.append(cell);
      row.append(place);
    }
  }
  const scroller = make("div", undefined, { className: "scroller" });
  scroller.append(made);
  return scroller;
}
