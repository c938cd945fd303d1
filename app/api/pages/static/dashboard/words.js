// Figures, dates and conditions in words.

const NUMBER = new Intl.NumberFormat("en-GB");
const DATE = { day: "numeric", month: "short", timeZone: "UTC" };
const SHORT = new Intl.DateTimeFormat("en-GB", DATE);
const LONG = new Intl.DateTimeFormat("en-GB", { ...DATE, year: "numeric" });
const MOMENT = new Intl.DateTimeFormat("en-GB", { ...DATE, year: "numeric", hour: "2-digit", minute: "2-digit" });

export const number = (value) => NUMBER.format(value);
export const shortDay = (date) => SHORT.format(date);
export const longDay = (date) => LONG.format(date);
export const moment = (date) => `${MOMENT.format(date)} UTC`;
export const percent = (share) => `${(100 * share).toFixed(1)}\u00a0%`;
export const milliseconds = (value) => `${number(Math.round(value))}\u00a0ms`;
export const counted = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;
export const title = (card) => [card.name, card.set_name ?? card.set_id, card.number].filter(Boolean).join(" · ");

// Told apart without colour, too.
export const SIGNS = { accepted: "✓", review: "?", unknown: "–" };
export const STATUS = { accepted: "accepted", review: "to review", unknown: "unknown" };

export const STAGES = {
  decode: "reading the picture", detect: "finding cards", embed: "encoding them", search: "searching the gallery",
  verify: "comparing pictures", total: "all together",
};

export const NOTES = {
  topk_reduced: "searched again with fewer templates", search_timeout: "the search was cut off",
  verification_skipped: "pictures not compared", orientation_skipped: "not tried the other way up",
  printings_skipped: "printings not compared",
};

export const STANDING = {
  pending: "waiting", learned: "learned", quarantined: "in quarantine", rejected: "rejected", undone: "taken back",
};

const VERDICTS = { card: "of known cards", not_in_gallery: "of cards the gallery lacks", not_a_card: "no card" };
const JUDGED = { any: "judged by people", right: "judged right", wrong: "judged wrong", disputed: "disputed" };
const CONDITIONS = {
  status: (value) => `${SIGNS[value]} ${STATUS[value]}`,
  judged: (value) => JUDGED[value],
  verdict: (value) => VERDICTS[value],
  set_id: (value) => `set ${value}`,
  language: (value) => `language ${value}`,
  card_id: (value) => `answered ${value}`,
  right_card_id: (value) => `people say ${value}`,
  correction: (value) => `correction ${STANDING[value]}`,
  reason: (value) => `“${value}”`,
  degraded: (value) => NOTES[value],
  learnt: (value) => (value === "true" ? "decided by a learnt crop" : "not decided by a learnt crop"),
  unknown_group: (value) => `unknown card no. ${value}`,
  confidence_from: (value) => `at least ${percent(value)} sure`,
  confidence_to: (value) => (Number(value) === 1 ? null : `less than ${percent(value)} sure`),
  stage: (value) => STAGES[value],
  slower_than_ms: (value) => `took more than ${milliseconds(value)}`,
  encoder: (value) => `encoder ${value}`,
  since: (value) => `from ${moment(new Date(value))}`,
  before: (value) => `before ${moment(new Date(value))}`,
  corrected_since: (value) => `corrected from ${moment(new Date(value))}`,
};

// What the address says, whoever wrote it: a condition that is not known is shown as it stands.
export function inWords(conditions) {
  const words = [...conditions].map(([name, value]) => {
    try {
      return CONDITIONS[name](value) === undefined ? `${name} ${value}` : CONDITIONS[name](value);
    } catch {
      return `${name} ${value}`;
    }
  });
  return words.filter((one) => one !== null);
}
