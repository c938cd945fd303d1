// Draws the outlines of a scan's cards over its picture, each with its sign, place and name.

import { arrange, s } from "./dom.js";
import { pathOf } from "./icons.js";

// Letters of labels, in CSS pixels: as large as the card's width allows, within these.
const [LEAST_PX, MOST_PX] = [9, 13];

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

// A plate inside of the lower edge, as wide as the card at most.
function label(row, unit) {
  const [xs, ys] = [0, 1].map((axis) => row.quad.map((corner) => corner[axis]));
  const [left, right, bottom] = [Math.min(...xs), Math.max(...xs), Math.max(...ys)];
  const width = right - left - 8 * unit;
  const size = unit * Math.min(Math.max(width / unit / 8, LEAST_PX), MOST_PX);
  const height = 1.7 * size;
  const [x, y] = [left + 4 * unit, bottom - height - 5 * unit];
  const name = fitted(nameOf(row), (width - 2.2 * size) / (0.63 * size));
  return s(
    "g",
    { class: "label" },
    s("rect", { x, y, width, height, rx: 0.35 * size }),
    s("path", { d: pathOf(row.kind), transform: `translate(${x + 0.45 * size} ${y + 0.35 * size}) scale(${size / 16})` }),
    s("text", { x: x + 1.75 * size, y: y + 1.2 * size, "font-size": size }, name),
  );
}

const nameOf = (row) =>
  row.kind === "crossed" ? "no card" : row.card?.name ?? (row.kind === "absent" ? "not in gallery" : "unknown");

function fitted(name, most) {
  const letters = [...name];
  return letters.length <= most ? name : most < 3 ? "" : `${letters.slice(0, Math.floor(most) - 1).join("")}…`;
}
