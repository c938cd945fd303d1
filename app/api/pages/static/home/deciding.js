// What a person can say about a card: one of the candidates, or that it is none of the gallery's, or none at all.

import { chip, standingWords } from "./card_list.js";
import { cardOf } from "./cards.js";
import { button, h } from "./dom.js";
import { icon } from "./icons.js";
import { cardButton } from "./search.js";
import { sure } from "./words.js";

/**
 * The candidates, the likeliest first, and then the printings that the pixels cannot tell from the answer.
 * @param {import("./outcome.js").Row} row
 * @param {Object[]} candidates
 * @param {{take: (card) => void, look: (index: number, card) => void}} actions
 */
export function choices(row, candidates, actions) {
  const listed = new Set(candidates.map((one) => one.card.card_id));
  const doubtful = new Set(row.found?.ambiguous_with ?? []);
  const others = [...doubtful].filter((cardId) => !listed.has(cardId));
  const more = h("div", { class: "choices others" });
  others.forEach(async (cardId, index) => {
    const card = await cardOf(cardId);
    more.append(choice(card, candidates.length + index, actions, h("span", { class: "alike" }, "looks the same")));
  });
  return [
    h("div", { class: "choices" }, candidates.map((one, index) =>
      choice(one.card, index, actions,
        h("span", { class: "share" }, sure(one.confidence)),
        doubtful.has(one.card.card_id) && h("span", { class: "alike" }, "looks the same"),
        index < 9 && h("kbd", { "aria-hidden": "true" }, String(index + 1))))),
    others.length > 0 && more,
    !candidates.length && h("p", { class: "hint" }, row.found ? "No card of the gallery comes near." : "Drawn by hand."),
  ];
}

function choice(card, index, { take, look }, ...more) {
  const made = cardButton(card, () => take(card), ...more);
  // Not where a card merely comes to lie under a pointer that rests.
  made.addEventListener("pointermove", () => look(index, card));
  made.addEventListener("focus", () => look(index, card));
  return made;
}

export const verdicts = (row, decide) => [
  button({ onclick: () => decide("not_in_gallery") }, icon("absent"), "Not in the gallery"),
  row.found && button({ onclick: () => decide("not_a_card") }, icon("crossed"), "Not a card"),
];

/** What the card is now, what became of the person's word, and the way back. */
export const outcomeLine = (row, takeBack) => [
  h("p", { class: "verdict" }, chip(row.kind), h("strong", {}, row.card?.name ?? ""),
    row.correction && button({ class: "undo", onclick: takeBack }, icon("undo"), "Undo")),
  row.correction && h("p", { class: "fate", role: "status" }, `${standingWords(row.correction)}.`),
];
