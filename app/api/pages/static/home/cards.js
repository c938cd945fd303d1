// Cards by their id, each asked for once; and their pictures.

import { h, s } from "./dom.js";
import { picture } from "./pictures.js";
import { ask } from "./service.js";

const known = new Map();

export function remember(card) {
  if (card) {
    known.set(card.card_id, card);
  }
  return card;
}

/** What the service says about a card; of one that has left the gallery only the id is known. */
export async function cardOf(cardId) {
  if (!known.has(cardId)) {
    try {
      remember(await ask(`cards/${encodeURIComponent(cardId)}`));
    } catch (error) {
      if (error.status !== 404) {
        throw error;
      }
      remember({ card_id: cardId, name: cardId, set_id: null, set_name: null, number: null });
    }
  }
  return known.get(cardId);
}

export const cropAddress = (found) => `detections/${found.detection_id}/image`;
export const referenceAddress = (card) => `cards/${encodeURIComponent(card.card_id)}/image`;

/** The gallery's picture of a card, or an empty frame where there is none. */
export const reference = (card) =>
  card ? small(referenceAddress(card), `Gallery picture of ${card.name}`) : h("span", { class: "no-picture" }, "no card");

/** The photo of a row's card. */
export function photo(row) {
  const alt = `Photo of card ${row.position}`;
  return row.found ? small(cropAddress(row.found), alt) : cutOut(row, alt);
}

const small = (src, alt) =>
  picture(() => h("img", { alt, loading: "lazy", decoding: "async", width: 63, height: 88, src }),
    () => h("span", { class: "no-picture" }, "no picture"));

/** A card that was drawn by hand has no crop of its own: its part of the scan is shown. */
export const cutOut = (row, alt) => s("svg", { role: "img", "aria-label": alt, class: "cut-out", ...viewOf(row.quad) }, partOf(row));

let cuts = 0;

/** What of the scan lies inside of a quad; goes into an SVG with the view of `viewOf`. */
export function partOf({ scan, quad }) {
  const { width, height } = scan.answer.image;
  const id = `cut-${(cuts += 1)}`;
  return [
    s("clipPath", { id }, s("polygon", { points: quad.map((corner) => corner.join(",")).join(" ") })),
    picture(() => s("image", { href: scan.address, width, height, "clip-path": `url(#${id})` }), () => s("g")),
  ];
}

/** What encloses a quad. */
export function viewOf(quad) {
  const [xs, ys] = [0, 1].map((axis) => quad.map((corner) => corner[axis]));
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return { viewBox: [left, top, Math.max(...xs) - left, Math.max(...ys) - top].join(" ") };
}

/** Has the pictures of a card come before it is looked at. */
export function preload(row) {
  if (row?.found) {
    for (const address of [cropAddress(row.found), ...row.found.candidates.map((one) => referenceAddress(one.card))]) {
      new Image().src = address;
    }
  }
}
