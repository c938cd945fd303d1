// Looks at one card after the other: those of a scan, or in review whatever needs a look in all open scans.

import { preload } from "./cards.js";
import { all, changes, onTheWay } from "./collection.js";
import { comparison } from "./compare.js";
import { allSent, failed, isSending, latest, say, undo } from "./corrections.js";
import { choices, outcomeLine, verdicts } from "./deciding.js";
import { element, h, put, speak, write } from "./dom.js";
import { evidenceOf, explain } from "./evidence.js";
import { needsLook, rowsOf } from "./outcome.js";
import { searchBox } from "./search.js";
import { whyList } from "./why.js";
import { cards, counted, fullName, KIND_WORDS } from "./words.js";

/** How long one card is looked at before its evidence is asked for: that takes a permit, as a scan does. */
const DWELL_MS = 300;
/** The second click of a double click is not meant for the card that has come meanwhile. */
const QUIET_MS = 300;

const dialog = element("card");
const part = (name) => dialog.querySelector(`[data-part="${name}"]`);
const search = searchBox((card) => decide("card", card));

// What is looked at: {scan, key} each, the place in it, the scans it was taken from, and the candidate beside the photo.
const state = { queue: [], at: 0, isReview: false, scans: new Set(), candidate: 0, beside: null, dwell: null, quietUntil: 0, failedBefore: 0 };

export function openScan(scan, row) {
  const rows = rowsOf(scan);
  open(rows.map(entry), rows.findIndex((one) => one.key === row.key), false);
}

export const toReview = (isEvery = false) =>
  all().flatMap(rowsOf).filter((row) => (isEvery && row.kind !== "crossed") || needsLook(row)).map(entry);

export function openReview() {
  element("every").checked = false;
  element("keys").open = true;
  open(toReview(), 0, true);
}

const entry = (row) => ({ scan: row.scan, key: row.key });
const rowOf = ({ scan, key }) => rowsOf(scan).find((row) => row.key === key) ?? null;
export const current = () => (state.at < state.queue.length ? rowOf(state.queue[state.at]) : null);
export const candidatesOf = (row) => row?.found?.candidates ?? [];

function open(queue, at, isReview) {
  Object.assign(state, { queue, at, isReview, scans: new Set(all().filter((scan) => scan.answer)), failedBefore: failed() });
  dialog.classList.toggle("review", isReview);
  part("search").replaceChildren(search.node);
  if (!dialog.open) {
    dialog.showModal();
  }
  showCard();
}

// Cards to look at of scans that were answered since the review began.
const late = () =>
  toReview(element("every").checked).filter((one) => !state.scans.has(one.scan));

// They come last: nothing that is looked at moves.
function join() {
  state.queue.push(...late());
  all().filter((scan) => scan.answer).forEach((scan) => state.scans.add(scan));
}

/** Goes on by so many cards; in review past the last one, too, where it says that all is done. */
export function step(by) {
  const last = state.queue.length - (state.isReview ? 0 : 1);
  const at = Math.min(Math.max(state.at + by, 0), last);
  if (at !== state.at) {
    state.at = at;
    showCard();
  }
}

function showCard() {
  const row = current();
  search.clear();
  clearTimeout(state.dwell);
  dialog.classList.toggle("finished", !row);
  header();
  if (!row) {
    finished();
    return;
  }
  state.candidate = 0;
  state.beside = row.card ?? candidatesOf(row)[0]?.card ?? null;
  const list = candidatesOf(row);
  put(part("choices"), choices(row, list, { take: (card) => decide("card", card), look }));
  put(part("verdicts"), verdicts(row, decide));
  refresh();
  dialog.querySelector(".body").scrollTop = 0;
  (part("choices").querySelector("button") ?? part("verdicts").querySelector("button")).focus({ preventScroll: true });
  speak(`Card ${row.position}: ${row.card ? fullName(row.card) : KIND_WORDS[row.kind]}`);
  if (row.found) {
    state.dwell = setTimeout(() => explain(row, () => isShown(row), refresh), evidenceOf(row) ? 0 : DWELL_MS);
  }
  preload(state.at + 1 < state.queue.length ? rowOf(state.queue[state.at + 1]) : null);
}

// What changes while a card is looked at: its outcome, its evidence, the picture beside it.
function refresh() {
  const row = current();
  if (!row) {
    return;
  }
  showOutcome(row);
  const evidence = evidenceOf(row);
  const found = evidence ?? row.found;
  put(part("pictures"), comparison(row, state.beside, element("matches").checked ? evidence?.explanation : null));
  put(part("captions"), h("span", {}, "Your photo"), h("span", {}, state.beside ? fullName(state.beside) : "no candidate"));
  const asked = found?.candidates.find((one) => one.card.card_id === state.beside?.card_id);
  put(part("why"), found ? whyList(found, asked) : []);
  element("matches").parentElement.hidden = !evidence?.explanation;
  for (const choice of part("choices").querySelectorAll("[data-card]")) {
    choice.setAttribute("aria-pressed", String(row.correction ? row.card?.card_id === choice.dataset.card : false));
  }
}

// Written only where it says something else: a button that is made anew loses the focus.
function showOutcome(row) {
  const says = JSON.stringify([row.key, row.kind, row.card?.name, row.correction?.status, row.correction?.reason]);
  if (part("outcome").dataset.says !== says) {
    part("outcome").dataset.says = says;
    put(part("outcome"), outcomeLine(row, () => takeBack()));
  }
}

/** Puts a candidate's picture beside the photo. */
function look(index, card) {
  state.candidate = index;
  if (state.beside?.card_id !== card.card_id) {
    state.beside = card;
    refresh();
  }
}

/** Moves the choice by so many candidates. */
export function choose(by) {
  const buttons = [...part("choices").querySelectorAll("[data-card]")];
  const at = buttons.indexOf(document.activeElement);
  buttons[Math.min(Math.max((at < 0 ? state.candidate : at) + by, 0), buttons.length - 1)]?.focus();
}

export const confirm = () => pick(state.candidate);

/** Takes the candidate at that place. */
export function pick(index) {
  const results = search.node.querySelectorAll(".results > *");
  if (results.length) {
    results[index]?.click(); // the candidates are hidden behind them
    return;
  }
  const chosen = candidatesOf(current())[index];
  if (chosen) {
    decide("card", chosen.card);
  }
}

export const searchFor = () => search.field.focus();

export function decide(verdict, card = null) {
  const row = current();
  if (!row || (!row.found && verdict === "not_a_card")) {
    return;
  }
  if (row.found) {
    say(row.scan, { detection_id: row.key }, verdict, card);
  } else {
    undo(row.scan, row.correction);
    state.queue[state.at].key = say(row.scan, { quad: row.quad }, verdict, card).key;
  }
  state.beside = card ?? state.beside;
  search.clear();
  if (state.isReview) {
    step(1);
  } else {
    refresh();
  }
}

/** Takes back what was said about this card, or in review about the one before. */
export function takeBack() {
  const here = current();
  const last = here?.correction ? { scan: here.scan, said: here.correction } : state.isReview ? latest() : null;
  if (!last) {
    return;
  }
  const at = state.queue.findIndex((one) => one.key === (last.said.detection_id ?? last.said.key));
  if (at < 0) {
    return; // said elsewhere, about a card that nobody sees here
  }
  undo(last.scan, last.said);
  state.at = at;
  if (current()) {
    showCard();
  } else {
    dialog.close(); // a drawn card that was taken back is no more
  }
}

function header() {
  const row = current();
  const left = state.queue.map(rowOf).filter((one) => one && needsLook(one)).length;
  part("title").textContent = state.isReview ? (row ? `${left} to look at` : "All looked at") : `Card ${row?.position} of ${state.queue.length}`;
  part("scan-name").textContent = row ? (state.isReview ? `${row.scan.name}, card ${row.position}` : row.scan.name) : "";
  part("previous").disabled = state.at === 0;
  part("next").disabled = state.at >= state.queue.length - (state.isReview ? 0 : 1);
}

function finished() {
  tellFinished();
  if (isSending()) {
    allSent().then(() => dialog.open && !current() && finished());
  } else {
    part("finished").querySelector("button:not([hidden])").focus();
  }
}

// A card that came late waits for a click here: a key that was meant for the end would speak about it.
function tellFinished() {
  const [coming, more] = [onTheWay().length, late().length];
  const seen = state.queue.length
    ? `${cards(state.queue.length)} looked through. ${savedWords()}`
    : "Nothing waits: every card was accepted or has been looked at.";
  write(part("finished").querySelector("h3"), more || coming ? "That was all so far" : "That was all");
  write(part("finished").querySelector("p"), coming ? `${seen} ${counted(coming, "picture")} still on the way.` : seen);
  write(part("more"), `Look at ${more} more`);
  part("more").hidden = !more;
}

function savedWords() {
  if (isSending()) {
    return "What you said is being saved; please stay.";
  }
  const lost = failed() - state.failedBefore;
  return lost ? `${lost} of what you said could not be saved; open the review again to say it.` : "What you said is saved.";
}

const isShown = (row) => dialog.open && current()?.key === row.key;

// A scan has changed, or the list of scans has.
function changed(scan) {
  if (!current()) {
    tellFinished();
    return;
  }
  if (state.isReview) {
    join();
  }
  header();
  if (scan === state.queue[state.at].scan) {
    showOutcome(current());
  }
}

export function watchCardDialog() {
  for (const name of ["change", "list"]) {
    changes.addEventListener(name, (event) => dialog.open && changed(event.detail ?? null));
  }
  dialog.addEventListener("click", (event) => {
    if (!state.isReview || !event.detail || !event.target.closest(".choices, [data-part=verdicts]")) {
      return; // the same card stays, or it is a key, or nothing that decides
    }
    if (performance.now() < state.quietUntil) {
      event.stopPropagation();
    } else {
      state.quietUntil = performance.now() + QUIET_MS;
    }
  }, true);
  element("matches").addEventListener("change", refresh);
  element("every").addEventListener("change", () => open(toReview(element("every").checked), 0, true));
  part("previous").addEventListener("click", () => step(-1));
  part("next").addEventListener("click", () => step(1));
  part("more").addEventListener("click", () => {
    join();
    state.quietUntil = performance.now() + QUIET_MS;
    showCard();
  });
  dialog.addEventListener("close", () => clearTimeout(state.dwell));
}
