// The photo of a card beside the gallery's picture, with the patches that were found in both.

import { cropAddress, partOf, referenceAddress, viewOf } from "./cards.js";
import { s } from "./dom.js";
import { picture } from "./pictures.js";

// The size the service rectifies cards to, and the space between the two.
const [WIDTH, HEIGHT, GAP] = [378, 528, 32];
const REFERENCE_LEFT = WIDTH + GAP;

/**
 * @param {import("./outcome.js").Row} row
 * @param {?Object} card of the gallery, beside the photo
 * @param {?Object} explanation of the service; drawn where it is about this card
 */
export function comparison(row, card, explanation) {
  const words = card ? `The photo beside the gallery's picture of ${card.name}` : "The photo";
  const patches = explanation && card?.card_id === explanation.card_id ? explanation : null;
  return s(
    "svg",
    { class: "comparison", viewBox: `0 0 ${REFERENCE_LEFT + WIDTH} ${HEIGHT}`, role: "img", "aria-label": words },
    photoPart(row),
    card ? whole(referenceAddress(card), REFERENCE_LEFT) : empty(REFERENCE_LEFT, "no card of the gallery"),
    patches && patches.patches.map(patch),
    patches?.differences[0]?.regions.map(region),
  );
}

const photoPart = (row) =>
  row.found ? whole(cropAddress(row.found), 0) : s("svg", { width: WIDTH, height: HEIGHT, ...viewOf(row.quad) }, partOf(row));

// Stretched to the same size, so that places given as shares of each picture fall where they belong.
const whole = (href, x) =>
  picture(() => s("image", { href, x, width: WIDTH, height: HEIGHT, preserveAspectRatio: "none" }),
    () => empty(x, "no picture"));

const empty = (x, words) =>
  s("g", { class: "empty" }, s("rect", { x, width: WIDTH, height: HEIGHT, rx: 14 }),
    s("text", { x: x + WIDTH / 2, y: HEIGHT / 2, "text-anchor": "middle" }, words));

function patch(pair) {
  const [x1, y1] = [pair.in_crop[0] * WIDTH, pair.in_crop[1] * HEIGHT];
  const [x2, y2] = [REFERENCE_LEFT + pair.on_reference[0] * WIDTH, pair.on_reference[1] * HEIGHT];
  return s(
    "g",
    { class: pair.together ? "patch" : "patch alone" },
    pair.together && s("line", { x1, y1, x2, y2 }),
    s("circle", { cx: x1, cy: y1, r: 4 }),
    s("circle", { cx: x2, cy: y2, r: 4 }),
  );
}

// Where the next likely printing differs, on the gallery's picture.
function region({ box }) {
  return s("rect", { class: "differs", x: REFERENCE_LEFT + box.left * WIDTH, y: box.top * HEIGHT,
    width: (box.right - box.left) * WIDTH, height: (box.bottom - box.top) * HEIGHT });
}
