// The figures at a glance.

import { element, figure, make } from "./dom.js";
import { counted, number, percent } from "./words.js";

// What the service says of a correction whose crop is a template.
const TEMPLATE_REASON = "its crop is a template of this card now";

export function showTiles(quality, links) {
  const tiles = [...ofScans(quality, links), ...ofAnswers(quality.accuracy, links), ...ofService(quality, links)];
  element("tiles").replaceChildren(...tiles.map(({ name, value, note }) => {
    const made = make("div");
    const figures = make("dd");
    const small = make("small");
    small.append(...note);
    figures.append(value, small);
    made.append(make("dt", name), figures);
    return made;
  }));
}

function ofScans(quality, links) {
  const cards = { accepted: 0, review: 0, unknown: 0 };
  let scans = 0;
  for (const day of quality.days) {
    scans += day.scans;
    for (const status of Object.keys(cards)) {
      cards[status] += day.cards[status];
    }
  }
  const all = cards.accepted + cards.review + cards.unknown;
  const link = (status, text) => figure(text, links.to({ status }), cards[status]);
  return [
    { name: "Scans", value: figure(number(scans), links.to(), scans), note: [counted(all, "card")] },
    {
      name: "Accepted",
      value: link("accepted", all ? percent(cards.accepted / all) : "–"),
      note: [link("review", `${number(cards.review)} to review`), ", ", link("unknown", `${number(cards.unknown)} unknown`)],
    },
  ];
}

function ofAnswers(accuracy, links) {
  return [
    share("Right printing", accuracy.printing, links, { verdict: "card" }),
    share("Right picture", accuracy.card, links, { verdict: "card" }, "any"),
    accepted(accuracy, links),
    share("Strangers called unknown", accuracy.unknown, links, { verdict: "not_in_gallery" }),
    {
      name: "Calibration error",
      value: figure(
        accuracy.calibration_error === null ? "–" : accuracy.calibration_error.toFixed(3),
        links.to({ judged: "any" }), accuracy.judged,
      ),
      note: [figure(counted(accuracy.judged, "judged answer"), links.to({ judged: "any" }), accuracy.judged),
        `, ${number(accuracy.left_out)} left out; 0 is best`],
    },
  ];
}

// With the accepted answers that somebody contradicts and nothing has proved: they may be wrong, too.
function accepted(accuracy, links) {
  const tile = share("Right where accepted", accuracy.accepted, links, { status: "accepted" });
  if (accuracy.disputed) {
    const { part, whole } = accuracy.accepted_at_worst;
    const link = figure(`${number(accuracy.disputed)} more`, links.to({ status: "accepted", judged: "disputed" }));
    const verb = accuracy.disputed === 1 ? "is" : "are";
    const them = accuracy.disputed === 1 ? "it is" : "all of these are";
    tile.note.push(make("br"), link, ` ${verb} disputed; if ${them} wrong: ${percent(part / whole)}`);
  }
  return tile;
}

// A share of judged answers; of pictures nothing tells right from wrong but the figure itself.
function share(name, counts, links, conditions, judged = "right") {
  if (!counts.whole) {
    return { name, value: make("span", "–"), note: ["nobody has judged any yet"] };
  }
  const wrong = counts.whole - counts.part;
  const range = `${percent(counts.low)} to ${percent(counts.high)}, 95\u00a0% sure`;
  const wrongs = judged === "right"
    ? figure(`${number(wrong)} wrong`, links.to({ ...conditions, judged: "wrong" }), wrong)
    : `${number(wrong)} wrong`;
  return {
    name,
    value: figure(percent(counts.part / counts.whole), links.to({ ...conditions, judged }), counts.part),
    note: [wrongs, ` of ${number(counts.whole)}`, make("br"), range],
  };
}

function ofService(quality, links) {
  const { gained, lost } = quality.accuracy;
  const crops = links.toAny({ correction: "learned", reason: TEMPLATE_REASON });
  const turned = figure(`${counted(gained, "answer")} gained, ${number(lost)} lost`, "#learnt-title", gained + lost);
  return [
    {
      name: "Learnt crops",
      value: figure(number(quality.learnt_templates), crops, quality.learnt_templates),
      note: [turned, make("br"), figure("what they decided", links.to({ learnt: true }), quality.learnt_templates)],
    },
    { name: "Memory", value: make("span", `${number(Math.round(quality.anonymous_bytes / 1e6))} MB`), note: ["anonymous, now"] },
  ];
}
