// The keys of the card dialog. Where text is typed, keys are text.

import { choose, confirm, current, decide, pick, searchFor, step, takeBack } from "./card_dialog.js";
import { element } from "./dom.js";

const KEYS = {
  ArrowLeft: () => step(-1),
  ArrowRight: () => step(1),
  ArrowUp: () => choose(-1),
  ArrowDown: () => choose(1),
  n: () => decide("not_in_gallery"),
  x: () => decide("not_a_card"),
  u: () => takeBack(),
  "/": () => searchFor(),
  m: () => element("matches").click(),
  "?": () => {
    element("keys").open = !element("keys").open;
  },
};

export function watchKeys() {
  element("card").addEventListener("keydown", (event) => {
    const typing = event.target.closest("input[type=search]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (event.repeat && !event.key.startsWith("Arrow")) {
      event.preventDefault(); // a key that is held says nothing about the next card
      return;
    }
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key >= "1" && key <= "5") {
      event.preventDefault();
      pick(Number(key) - 1);
    } else if (Object.hasOwn(KEYS, key)) {
      event.preventDefault();
      KEYS[key]();
    } else if (key === "Enter" && current() && !event.target.closest("button, input, summary")) {
      event.preventDefault();
      confirm();
    }
  });
}
