// The evidence behind an answer, asked for when a card is looked at: it takes a permit, which scans need, too.

import { ask } from "./service.js";

const known = new Map(); // detection id -> the detection with its evidence
let line = Promise.resolve();

export const evidenceOf = (row) => known.get(row.key) ?? null;

/**
 * Asks for the evidence of a card, one card after the other, and not for those that were left meanwhile.
 * @param {import("./outcome.js").Row} row
 * @param {() => boolean} isWanted whether the card is still looked at
 * @param {() => void} show called when it is there
 */
export function explain(row, isWanted, show) {
  line = line.then(async () => {
    if (!known.has(row.key) && isWanted()) {
      known.set(row.key, await ask(`detections/${row.key}?explain=true`, { tries: 3 }));
    }
    if (known.has(row.key) && isWanted()) {
      show();
    }
  }).catch(() => {}); // the answer stands without it
}
