// Why a card was named so, and what would make its photo easier to read.

import { h } from "./dom.js";
import { NOTES, SOURCES, sure } from "./words.js";

const two = (value) => value.toFixed(2);

/**
 * @param {Object} found the detection
 * @param {?Object} candidate that is looked at
 */
export function whyList(found, candidate) {
  const facts = candidate ? about(candidate) : [];
  const notes = [...found.quality.advice, ...found.degraded.map((one) => NOTES[one] ?? one)];
  return [
    h("dl", { class: "facts" }, facts.map(([term, words]) => h("div", {}, h("dt", {}, term), h("dd", {}, words)))),
    notes.length > 0 && h("p", { class: "advice" }, h("strong", {}, "Worth knowing: "), notes.join("; "), "."),
  ].filter(Boolean);
}

function about(candidate) {
  const { similarity, inliers, template_source: source, evidence } = candidate;
  const facts = [
    ["Similarity", two(similarity)],
    ["Patches in place", inliers === null ? "not compared" : String(inliers)],
    ["Decided by", SOURCES[source]],
  ];
  if (evidence && evidence.agreement !== null) {
    facts.push(["Fits the photo", two(evidence.agreement)]);
  }
  if (evidence && evidence.neighbours !== null) {
    facts.push(["Same set around it", sure(evidence.neighbours)]);
  }
  return facts;
}
