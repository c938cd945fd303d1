// Asks what a card is that was drawn by hand.

import { cutOut } from "./cards.js";
import { button, h } from "./dom.js";
import { icon } from "./icons.js";
import { searchBox } from "./search.js";

/**
 * @param {Object} scan
 * @param {number[][]} quad
 * @param {(verdict: string, card: ?Object) => void} take
 */
export function askName(scan, quad, take) {
  const done = (verdict, card = null) => {
    dialog.close();
    take(verdict, card);
  };
  const search = searchBox((card) => done("card", card));
  const dialog = h(
    "dialog",
    { class: "naming", "aria-labelledby": "naming-title" },
    h("header", {}, h("h2", { id: "naming-title" }, "Which card is this?"),
      button({ class: "quiet", "aria-label": "Close", onclick: () => dialog.close() }, icon("close"))),
    h("div", { class: "naming-body" }, cutOut({ scan, quad }, "The card that was drawn"),
      h("div", {}, search.node,
        h("p", { class: "actions" }, button({ onclick: () => done("not_in_gallery") }, icon("absent"), "Not in the gallery")))),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  search.field.focus();
}
