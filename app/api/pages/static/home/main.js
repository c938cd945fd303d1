// Puts the page together.

import { logOut, mayLogOut } from "../login.js";
import { watchAddress } from "./address.js";
import { watchBar } from "./bar.js";
import { openReview, openScan, toReview, watchCardDialog } from "./card_dialog.js";
import { watchKeys } from "./card_keys.js";
import { chip } from "./card_list.js";
import { all, changes, onTheWay } from "./collection.js";
import { isSending, say } from "./corrections.js";
import { arrange, element, h, inFront, put, write } from "./dom.js";
import { download } from "./export.js";
import { watchHistory } from "./history.js";
import { askName } from "./name_dialog.js";
import { rowsOf, totals } from "./outcome.js";
import { watchPicking } from "./picking.js";
import { watchPictures } from "./pictures.js";
import { watchReadiness } from "./ready.js";
import { watchScan } from "./scan_view.js";
import { stripItems } from "./strip.js";
import { makeThumbs } from "./thumbs.js";
import { enqueue, isBusy } from "./uploads.js";
import { cards, counted, KINDS } from "./words.js";

function showAll() {
  const scans = all();
  element("start").hidden = scans.length > 0;
  element("work").hidden = scans.length === 0;
  element("strip").hidden = scans.length < 2;
  arrange(element("strip"), stripItems());
  showTotals(scans.flatMap(rowsOf));
  makeThumbs();
}

let totalsShown = "";

function showTotals(rows) {
  const counts = totals(rows);
  const coming = onTheWay().length;
  const words = JSON.stringify([counts, coming]);
  if (words !== totalsShown) {
    totalsShown = words;
    put(element("totals"),
      (rows.length > 0 || !coming) && h("strong", {}, cards(rows.length - counts.crossed)),
      KINDS.filter((kind) => counts[kind]).map((kind) => h("span", { class: "total" }, h("b", {}, String(counts[kind])), chip(kind))),
      coming > 0 && h("span", { class: "hint" }, `${counted(coming, "picture")} on the way`));
  }
  const left = toReview().length;
  write(element("review"), left ? `Review ${left}` : "Review");
  element("review").classList.toggle("primary", left > 0);
  element("review").disabled = element("csv").disabled = element("json").disabled = !rows.length;
}

// Many changes in one moment are shown once.
let isDue = false;
function showSoon() {
  if (!isDue) {
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      showAll();
    });
  }
}

// On the backdrop, that is; what lies between the dialog's parts is the dialog itself, too.
function isBeside(event, dialog) {
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  const [x, y] = [event.clientX, event.clientY];
  return event.target === dialog && (x < left || x > right || y < top || y > bottom);
}

function watchButtons() {
  element("review").addEventListener("click", openReview);
  element("csv").addEventListener("click", () => download("csv"));
  element("json").addEventListener("click", () => download("json"));
  element("log-out").hidden = !mayLogOut();
  element("log-out").addEventListener("click", logOut);
  for (const one of document.querySelectorAll("[data-close]")) {
    one.addEventListener("click", () => one.closest("dialog").close());
  }
  for (const one of document.querySelectorAll("dialog")) {
    one.addEventListener("click", (event) => isBeside(event, one) && one.close());
    one.addEventListener("close", () => inFront(element("trouble-bar")));
  }
  window.addEventListener("beforeunload", (event) => (isBusy() || isSending()) && event.preventDefault());
}

watchScan({
  openCard: openScan,
  nameMissed: (scan, quad) => askName(scan, quad, (verdict, card) => say(scan, { quad }, verdict, card)),
});
watchPicking(enqueue);
watchCardDialog();
watchKeys();
watchHistory();
watchButtons();
watchBar();
watchReadiness();
watchPictures();
for (const name of ["change", "list"]) {
  changes.addEventListener(name, showSoon);
}
watchAddress();
