// Every open scan as a small picture, to go from one to the other.

import { all, show, shown } from "./collection.js";
import { button, h, write } from "./dom.js";
import { icon } from "./icons.js";
import { needsLook, rowsOf } from "./outcome.js";
import { smallPicture } from "./pictures.js";

let items = new Map(); // scan key -> its parts, which stay while uploads go on beside them

/** @returns {Element[]} one for each open scan, the same one each time */
export function stripItems() {
  items = new Map(all().map((scan) => [scan.key, items.get(scan.key) ?? made(scan)]));
  for (const scan of all()) {
    update(items.get(scan.key), scan);
  }
  return [...items.values()].map((parts) => parts.item);
}

function made(scan) {
  const [sign, words] = [h("span", { class: "sign" }), h("span")];
  const small = h("span", { class: "small" }, h("span", { class: "no-picture" }, icon("frame")));
  const thumb = button({ class: "thumb", title: scan.name, onclick: () => show(scan) }, small, h("span", { class: "badge" }, sign, words));
  return { item: h("li", {}, thumb), thumb, small, sign, words, src: null, signName: null };
}

function update(parts, scan) {
  const { thumb, words } = parts;
  const state = stateWords(scan);
  thumb.dataset.state = scan.state;
  thumb.setAttribute("aria-label", `${scan.name}: ${state}`);
  thumb.setAttribute("aria-current", String(scan === shown()));
  write(words, state);
  const src = scan.thumb || (scan.file ? null : scan.address);
  if (src && src !== parts.src) {
    parts.small.replaceChildren(smallPicture(src));
    parts.src = src;
  }
  const signName = signOf(scan);
  if (signName !== parts.signName) {
    parts.sign.replaceChildren(...(signName ? [icon(signName)] : []));
    parts.signName = signName;
  }
}

function signOf(scan) {
  if (scan.state !== "done") {
    return null;
  }
  return rowsOf(scan).some(needsLook) ? "review" : scan.answer.cards.length ? "accepted" : "unknown";
}

function stateWords(scan) {
  const left = rowsOf(scan).filter(needsLook).length;
  const done = !scan.answer?.cards.length && !left ? "no card" : left ? `${left} to look at` : "done";
  return { queued: "next", sending: "sending", looking: "looking", waiting: "waiting", failed: "not read", done }[scan.state];
}
