// What each card of a scan is now: a person's word goes before the machine's answer.

import { KINDS } from "./words.js";

/**
 * @typedef {Object} Row
 * @property {string} key of the row on this page
 * @property {Object} scan
 * @property {?Object} found the detection; null for a card that was missed and drawn by a person
 * @property {?Object} correction what a person says, while it stands
 * @property {string} kind one of KINDS
 * @property {?Object} card what it is
 * @property {number[][]} quad corners in pixels of the picture
 * @property {number} position in page order, from 1
 */

/** The last word about a detection that was not taken back. */
export const standing = (scan, detectionId) =>
  scan.corrections.findLast((one) => one.detection_id === detectionId && one.status !== "undone") ?? null;

/** @returns {Row[]} in page order */
export function rowsOf(scan) {
  if (!scan.answer) {
    return [];
  }
  const rows = scan.answer.cards.map((found) => foundRow(scan, found));
  for (const said of scan.corrections.filter((one) => !one.detection_id && one.quad && one.status !== "undone")) {
    rows.splice(placeOf(rows, said.quad), 0, missedRow(scan, said));
  }
  return rows.map((row, index) => ({ ...row, position: index + 1 }));
}

function foundRow(scan, found) {
  const correction = standing(scan, found.detection_id);
  const guess = found.card ?? null;
  return {
    key: found.detection_id, scan, found, correction, quad: found.quad,
    kind: correction ? said(correction) : found.status,
    card: correction ? correction.card : guess,
  };
}

function missedRow(scan, correction) {
  // Its key holds while the correction is sent and gets its id.
  correction.key ??= correction.correction_id;
  return {
    key: correction.key, scan, found: null, correction, quad: correction.quad,
    kind: said(correction), card: correction.card,
  };
}

const said = (correction) => ({ card: "confirmed", not_in_gallery: "absent", not_a_card: "crossed" })[correction.verdict];

// Before the first card that lies in a later row, or further to the right in the same one.
function placeOf(rows, quad) {
  const [x, y, height] = middle(quad);
  const index = rows.findIndex((row) => {
    const [otherX, otherY] = middle(row.quad);
    return otherY - y > height / 2 || (Math.abs(otherY - y) <= height / 2 && otherX > x);
  });
  return index < 0 ? rows.length : index;
}

function middle(quad) {
  const [xs, ys] = [0, 1].map((axis) => quad.map((corner) => corner[axis]));
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return [mean(xs), mean(ys), Math.max(...ys) - Math.min(...ys)];
}

export const needsLook = (row) => row.kind === "review" || row.kind === "unknown";

/** How many cards of each kind; those that are no cards do not count. */
export function totals(rows) {
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
  for (const row of rows) {
    counts[row.kind] += 1;
  }
  return counts;
}
