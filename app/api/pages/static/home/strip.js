// Every open scan as a small picture, to go from one to the other.

import { all, show, shown } from "./collection.js";
import { button, h } from "./dom.js";
import { icon } from "./icons.js";
import { needsLook, rowsOf } from "./outcome.js";

export function stripItems() {
  return all().map((scan) => h("li", {}, item(scan)));
}

function item(scan) {
  const words = stateWords(scan);
  return button(
    { class: "thumb", "data-state": scan.state, "aria-current": scan === shown() && "true", title: scan.name,
      "aria-label": `${scan.name}: ${words}`, onclick: () => show(scan) },
    small(scan),
    h("span", { class: "badge" }, badge(scan), words),
  );
}

function small(scan) {
  const src = scan.thumb || (scan.file ? null : scan.address);
  return src ? h("img", { src, alt: "", loading: "lazy", decoding: "async" }) : h("span", { class: "no-picture" });
}

function badge(scan) {
  if (scan.state !== "done") {
    return null;
  }
  return icon(rowsOf(scan).some(needsLook) ? "review" : scan.answer.cards.length ? "accepted" : "unknown");
}

function stateWords(scan) {
  const left = rowsOf(scan).filter(needsLook).length;
  const done = !scan.answer?.cards.length && !left ? "no card" : left ? `${left} to look at` : "done";
  return { queued: "next", sending: "sending", looking: "looking", waiting: "waiting", failed: "not read", done }[scan.state];
}
