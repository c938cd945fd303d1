// Draws the outlines of a scan's cards over its picture, each with its sign, place and name.

import { arrange, s } from "./dom.js";
import { pathOf } from "./icons.js";

// Letters of labels, in CSS pixels: as large as the card's width allows, within these.
const [LEAST_PX, MOST_PX] = [9, 13];
/** A label with a name takes no more than this of a card's height. */
const MOST_SHARE = 0.25;

const drawn = new WeakMap(); // overlay -> row key -> {signature, group}

/**
 * Draws what has changed; whatever else lies on the overlay is taken away.
 * @param {SVGElement} overlay lies over the picture, in its pixels
 * @param {import("./outcome.js").Row[]} rows
 * @param {number} unit pixels of the picture for one CSS pixel
 * @param {(row: Object) => void} open called for the outline that is clicked
 */
export function drawOutlines(overlay, rows, unit, open) {
  const before = drawn.get(overlay) ?? new Map();
  const now = new Map(rows.map((row) => {
    const signature = JSON.stringify([row.kind, row.card?.name, row.quad, unit]);
    const known = before.get(row.key);
    return [row.key, known?.signature === signature ? known : { signature, group: outline(row, unit, open) }];
  }));
  drawn.set(overlay, now);
  arrange(overlay, [...now.values()].map((one) => one.group));
}

function outline(row, unit, open) {
  const corners = row.quad.map((corner) => corner.join(",")).join(" ");
  return s(
    "g",
    { class: `outline ${row.kind}`, "data-row": row.key, onclick: () => open(row) },
    s("polygon", { class: "halo", points: corners }),
    s("polygon", { class: "edge", points: corners }),
    label(row, unit),
  );
}

// A plate inside of the lower edge, as wide as the card there; on a small card the sign alone, to leave it to be seen.
function label(row, unit) {
  const [xs, ys] = [0, 1].map((axis) => row.quad.map((corner) => corner[axis]));
  const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  const size = unit * Math.min(Math.max((Math.max(...xs) - Math.min(...xs)) / unit / 8, LEAST_PX), MOST_PX);
  const height = 1.7 * size;
  const y = bottom - height - 5 * unit;
  const [left, right] = spanOf(row.quad, y, y + height, xs);
  const width = right - left - 8 * unit;
  const name = height > MOST_SHARE * (bottom - top) ? "" : nameFor(row, (width - 2.2 * size) / (0.66 * size));
  const x = left + 4 * unit;
  return s(
    "g",
    { class: "label" },
    s("rect", { x, y, width: name ? width : height, height, rx: 0.35 * size }),
    s("path", { d: pathOf(row.kind), transform: `translate(${x + 0.35 * size} ${y + 0.35 * size}) scale(${size / 16})` }),
    name && s("text", { x: x + 1.75 * size, y: y + 1.2 * size, "font-size": size }, name),
  );
}

// From where to where a quad reaches between two heights; all of it where it stands on a corner.
function spanOf(quad, upper, lower, xs) {
  const spans = [upper, lower].map((y) => {
    const crossed = quad.flatMap(([x1, y1], index) => {
      const [x2, y2] = quad[(index + 1) % 4];
      return (y1 < y) === (y2 < y) ? [] : [x1 + ((y - y1) / (y2 - y1)) * (x2 - x1)];
    });
    return [Math.min(...crossed), Math.max(...crossed)];
  });
  const [left, right] = [Math.max(...spans.map((one) => one[0])), Math.min(...spans.map((one) => one[1]))];
  const whole = [Math.min(...xs), Math.max(...xs)];
  return right - left > (whole[1] - whole[0]) / 2 ? [left, right] : whole;
}

// A name is cut to so many letters; a word that only says again what the sign says is there in full or not at all.
function nameFor(row, most) {
  if (row.kind !== "crossed" && row.card) {
    const letters = [...row.card.name];
    return letters.length <= most ? row.card.name : most < 3 ? "" : `${letters.slice(0, Math.floor(most) - 1).join("")}…`;
  }
  const word = { crossed: "no card", absent: "not in gallery" }[row.kind] ?? "unknown";
  return word.length <= most ? word : "";
}
