// The list beside the picture: each card's photo next to the gallery's picture, in page order.

import { photo, reference } from "./cards.js";
import { button, h } from "./dom.js";
import { icon } from "./icons.js";
import { KIND_WORDS, place, STANDING, sure } from "./words.js";

/** Confidences that differ by less than this say the same. */
const SAME = 0.05;

/**
 * @param {import("./outcome.js").Row} row
 * @param {(row: Object) => void} open
 */
export function listItem(row, open) {
  return h(
    "li",
    {},
    button(
      { class: `card-row ${row.kind}`, "data-row": row.key, onclick: () => open(row) },
      h("span", { class: "pair" }, photo(row), reference(row.kind === "crossed" ? null : row.card)),
      h("span", { class: "what" }, ...what(row)),
      h("span", { class: "how-sure" }, ...howSure(row)),
    ),
  );
}

function what(row) {
  const name = row.card?.name ?? { unknown: "Unknown card", absent: "Not in the gallery", crossed: "Not a card" }[row.kind];
  return [
    h("strong", {}, name ?? "Unknown card"),
    h("span", { class: "place" }, row.card ? place(row.card) : ""),
    chip(row.kind),
    row.correction && h("span", { class: "fate" }, standingWords(row.correction)),
  ];
}

export const chip = (kind) => h("span", { class: `chip ${kind}` }, icon(kind), KIND_WORDS[kind]);

export function standingWords(correction) {
  const words = STANDING[correction.status];
  return correction.reason ? `${words}: ${correction.reason}` : words;
}

// How sure the machine was; of no interest once a person has spoken.
function howSure(row) {
  if (row.correction || !row.found?.card) {
    return [];
  }
  const { card, printing } = row.found.confidence;
  return [
    h("span", { class: "share" }, sure(printing)),
    card - printing >= SAME && h("span", { class: "picture-share" }, `picture ${sure(card)}`),
  ];
}
