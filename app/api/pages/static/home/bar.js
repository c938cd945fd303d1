// A bar that says what a person should know, above whatever is open; it stays until it is closed.

import { element, inFront, speak } from "./dom.js";

/** @param {string} words */
export function tellInBar(words) {
  element("trouble").textContent = words;
  inFront(element("trouble-bar"));
  element("trouble-bar").hidden = false;
  speak(words);
}

/** Closes the bar where it still says this: it is true no more. */
export function unsay(words) {
  if (element("trouble").textContent === words) {
    element("trouble-bar").hidden = true;
  }
}

export function watchBar() {
  element("trouble-close").addEventListener("click", () => {
    element("trouble-bar").hidden = true;
  });
}
