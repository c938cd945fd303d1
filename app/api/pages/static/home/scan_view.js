// One scan: its picture with the outlines, and the list of its cards beside it.

import { listItem } from "./card_list.js";
import { changes, remove, showFromService, shown } from "./collection.js";
import { draw } from "./draw.js";
import { arrange, button, element, h, put, s } from "./dom.js";
import { icon } from "./icons.js";
import { drawOutlines } from "./outlines.js";
import { rowsOf } from "./outcome.js";
import { failedToLoad } from "./pictures.js";
import { mayHelpToRepeat, noCards, troubleWords } from "./troubles.js";
import { again } from "./uploads.js";

const root = element("scan");
const items = new Map(); // row key -> {signature, item}: pictures that stay must not blink
let view = null;

/** @param {{openCard: (scan, row) => void, nameMissed: (scan, quad) => void}} actions */
export function watchScan(actions) {
  changes.addEventListener("list", () => shown() !== view?.scan && build(shown(), actions));
  changes.addEventListener("change", (event) => event.detail === view?.scan && update());
  for (const [type, isLit] of [["pointerover", true], ["pointerout", false], ["focusin", true], ["focusout", false]]) {
    root.addEventListener(type, (event) => light(event.target.closest?.("[data-row]"), isLit));
  }
}

// A card in the list and its outline light up together.
function light(touched, isLit) {
  for (const one of touched ? root.querySelectorAll(`[data-row="${touched.dataset.row}"]`) : []) {
    one.classList.toggle("lit", isLit);
  }
}

function build(scan, actions) {
  items.clear();
  view?.resizing.disconnect();
  view?.drawing?.end();
  if (!scan) {
    view = null;
    root.replaceChildren();
    return;
  }
  // Decoded with the frame that shows it: else the frame would come first, and the picture some time after it.
  const image = h("img", { alt: `The scan ${scan.name}`, decoding: "sync", elementtiming: "scan" });
  const overlay = s("svg", { class: "overlay", role: "group", "aria-label": "The cards' outlines; the list names the same cards" });
  const frame = h("div", { class: "picture" }, image, overlay);
  const tools = h("div", { class: "tools" });
  const side = h("div", { class: "side" });
  const now = { scan, image, overlay, frame, tools, side, actions, drawing: null, missed: 0, resizing: new ResizeObserver(() => outline()) };
  view = now;
  image.addEventListener("error", () => view?.image === image && withoutPicture());
  image.addEventListener("load", () => {
    image.hidden = false;
    now.missed = 0;
  });
  image.src = scan.address;
  scan.seen = painted(image);
  put(root, h("figure", { class: "sheet" }, frame, tools), side);
  now.resizing.observe(frame);
  update();
}

// Not image.decode(): that decodes all pixels of a large picture, which are decoded once more for its size here.
const painted = (image) =>
  new Promise((seen) => {
    image.addEventListener("load", () => requestAnimationFrame(() => setTimeout(seen, 100)), { once: true });
    image.addEventListener("error", seen, { once: true });
  });

// Some browsers cannot show HEIC or TIFF; the service sends its own picture with the answer.
function withoutPicture() {
  const { scan, image } = view;
  image.hidden = true;
  if (!scan.address.startsWith("blob:")) {
    failedToLoad(image, () => {
      image.src = scan.address;
    }, view.missed);
    view.missed += 1;
  } else if (scan.answer) {
    showFromService(scan);
    image.src = scan.address;
  }
  root.classList.toggle("pictureless", scan.state === "failed");
}

function update() {
  const { scan, image, side } = view;
  root.classList.remove("pictureless");
  if (image.hidden && scan.address.startsWith("blob:")) {
    withoutPicture();
  }
  view.frame.classList.toggle("busy", ["sending", "looking"].includes(scan.state));
  outline();
  tools();
  if (scan.state === "failed") {
    put(side, h("div", { class: "help" }, h("p", { class: "name" }, scan.name), troubleWords(scan.problem), actionsOf(scan)));
  } else if (scan.state !== "done") {
    progress();
  } else {
    list();
  }
}

function actionsOf(scan) {
  const mayRepeat = mayHelpToRepeat(scan.problem);
  const takeAway = button({ class: !mayRepeat && "primary", onclick: () => remove(scan) }, "Take it away");
  const repeat = button({ class: mayRepeat && "primary", onclick: () => again(scan) }, "Try again");
  return h("p", { class: "actions" }, mayRepeat ? [repeat, takeAway] : [takeAway, repeat]);
}

function progress() {
  const { scan, side } = view;
  const words = { queued: "Waits for its turn", looking: "Looking for cards …", waiting: scan.message,
    sending: `Sending, ${Math.round(100 * scan.progress)} %` }[scan.state];
  if (!side.querySelector("progress")) {
    put(side, h("div", { class: "progress", role: "status" }, h("p"), h("progress", { max: 1, "aria-label": "Upload" })));
  }
  side.querySelector("p").textContent = words;
  const bar = side.querySelector("progress");
  if (scan.state === "sending") {
    bar.value = scan.progress;
  } else {
    bar.removeAttribute("value");
  }
}

function outline() {
  const { scan, overlay, frame, drawing } = view;
  if (!scan.answer) {
    overlay.replaceChildren();
    return;
  }
  const { width, height } = scan.answer.image;
  overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const unit = width / (frame.clientWidth || width);
  drawOutlines(overlay, rowsOf(scan), unit, (row) => view.actions.openCard(scan, row));
  drawing?.show(unit);
}

function tools() {
  const { scan } = view;
  if (scan.state !== "done" || view.drawing || view.tools.querySelector("#draw")) {
    return;
  }
  put(view.tools, h("span", { class: "name" }, scan.name),
    button({ id: "draw", onclick: startDrawing }, icon("frame"), "Draw a missed card"),
    button({ "aria-label": `Close ${scan.name}`, class: "quiet", onclick: () => remove(scan) }, icon("close"), h("span", { class: "wide" }, "Close")));
}

async function startDrawing() {
  const now = view;
  now.frame.classList.add("drawing");
  const { image } = now.scan.answer;
  now.drawing = draw({ overlay: now.overlay, tools: now.tools, image, redraw: outline });
  outline();
  const quad = await now.drawing.quad;
  now.drawing = null;
  now.frame.classList.remove("drawing");
  if (now === view) {
    now.tools.replaceChildren();
    update();
    element("draw").focus();
  }
  if (quad) {
    now.actions.nameMissed(now.scan, quad);
  }
}

function list() {
  const { scan, side } = view;
  const rows = rowsOf(scan);
  if (!rows.length) {
    put(side, h("div", { class: "help" }, noCards()));
    return;
  }
  const focused = document.activeElement?.closest?.(".side [data-row]");
  const shownItems = rows.map((row) => {
    const signature = JSON.stringify([row.kind, row.card?.card_id, row.correction?.status, row.correction?.reason, row.position]);
    if (items.get(row.key)?.signature !== signature) {
      items.set(row.key, { signature, item: listItem(row, () => view.actions.openCard(scan, row)) });
    }
    return items.get(row.key).item;
  });
  let ordered = side.querySelector("ol");
  if (!ordered) {
    ordered = h("ol", { class: "cards", "aria-label": "Cards in page order" });
    put(side, ordered);
  }
  arrange(ordered, shownItems);
  if (focused && !focused.isConnected) {
    side.querySelector(`[data-row="${focused.dataset.row}"]`)?.focus(); // made anew, since it says something else
  }
}
