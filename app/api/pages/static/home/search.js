// Finds a card of the gallery by words of its name, set and number.

import { reference, remember } from "./cards.js";
import { button, h, put } from "./dom.js";
import { ask } from "./service.js";
import { place } from "./words.js";

const PAUSE_MS = 120;
const MOST = 24;

/**
 * A search field with its results.
 * @param {(card: Object) => void} take called with the card that is chosen
 * @returns {{field: HTMLInputElement, node: HTMLElement, clear: () => void}}
 */
export function searchBox(take) {
  const field = h("input", { type: "search", placeholder: "Name, set, number: sv5 131", autocomplete: "off",
    spellcheck: "false", "aria-label": "Search the gallery", enterkeyhint: "search" });
  const results = h("div", { class: "choices results" });
  const said = h("p", { class: "hint", role: "status" });
  let pause = null;
  let asked = null;
  let shownFor = ""; // the query whose results are shown

  async function find() {
    asked?.abort();
    const query = field.value.trim();
    if (!query) {
      clear();
      return;
    }
    const now = (asked = new AbortController());
    try {
      const { cards } = await ask(`cards?${new URLSearchParams({ query, limit: MOST })}`, { signal: now.signal });
      put(results, cards.map((card) => cardButton(remember(card), () => take(card))));
      shownFor = query;
      said.textContent = cards.length ? "" : "No card of the gallery has all of these words.";
    } catch (error) {
      if (error.name !== "AbortError") {
        said.textContent = error.message;
      }
    }
  }
  function clear() {
    clearTimeout(pause);
    asked?.abort();
    field.value = "";
    results.replaceChildren();
    shownFor = said.textContent = "";
  }
  // What was typed counts, not what an earlier part of it found.
  async function takeFirst() {
    clearTimeout(pause);
    if (shownFor !== field.value.trim()) {
      await find();
    }
    if (shownFor && shownFor === field.value.trim()) {
      results.firstElementChild?.click();
    }
  }
  field.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(find, PAUSE_MS);
  });
  const node = h("div", { class: "search" }, field, said, results);
  node.addEventListener("keydown", (event) => walk(event, field, results, { clear, takeFirst }));
  return { field, node, clear };
}

// Arrows go through the results, Enter takes the first one, Escape empties the field first.
function walk(event, field, results, { clear, takeFirst }) {
  if (event.isComposing) {
    return; // the keys choose letters
  }
  const all = [...results.children];
  const at = all.indexOf(document.activeElement);
  if (event.key === "Escape" && (field.value || at >= 0)) {
    clear();
    field.focus();
  } else if (event.key === "Enter" && document.activeElement === field) {
    if (!event.repeat) {
      takeFirst();
    }
  } else if (["ArrowDown", "ArrowRight"].includes(event.key) && (at >= 0 || event.key === "ArrowDown") && all[at + 1]) {
    all[at + 1].focus();
  } else if (["ArrowUp", "ArrowLeft"].includes(event.key) && at >= 0) {
    (all[at - 1] ?? field).focus();
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

/** A card to choose: its picture, name and place. */
export function cardButton(card, onclick, ...more) {
  return button({ class: "choice", onclick, "data-card": card.card_id }, reference(card),
    h("span", { class: "words" }, h("strong", {}, card.name), h("span", { class: "place" }, place(card)), ...more));
}
