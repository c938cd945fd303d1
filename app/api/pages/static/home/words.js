// What the page calls things.

import { counted } from "../dashboard/words.js";

export { counted, NOTES } from "../dashboard/words.js";

/** Kinds of outcome, in the order of the totals. */
export const KINDS = ["confirmed", "accepted", "review", "unknown", "absent", "crossed"];

export const KIND_WORDS = {
  confirmed: "confirmed", accepted: "accepted", review: "to review", unknown: "unknown",
  absent: "not in the gallery", crossed: "not a card",
};

/** Whole percent, rounded down: 99.9 % sure is not certain. */
export const sure = (share) => (share < 0.01 ? "<\u00a01\u00a0%" : `${Math.floor(100 * share)}\u00a0%`);

const WHEN = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

/** A moment in the time of whoever looks. */
export const when = (moment) => WHEN.format(new Date(moment));

export const place = (card) => [card.set_name ?? card.set_id, card.number].filter(Boolean).join(" · ");

export const fullName = (card) => [card.name, place(card)].filter(Boolean).join(" · ");

export const cards = (count) => counted(count, "card");

export const SOURCES = {
  official: "the gallery's picture",
  augmented: "the gallery's picture, seen as a photo shows it",
  correction: "a photo that somebody named",
};

/** What became of a correction, in a few words. */
export const STANDING = {
  sending: "being saved",
  pending: "saved; it will be judged in a moment",
  learned: "learned",
  quarantined: "kept aside",
  rejected: "not used for learning",
  undone: "taken back",
};
