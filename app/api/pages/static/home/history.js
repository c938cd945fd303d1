// Scans of earlier, page by page; they open with all that was said about them.

import { remember } from "./cards.js";
import { add, imageAddress, newScan, show, SMALL_PX, withScanId } from "./collection.js";
import { loadCorrections } from "./corrections.js";
import { button, element, h, put } from "./dom.js";
import { icon } from "./icons.js";
import { smallPicture } from "./pictures.js";
import { ask } from "./service.js";
import { cards, counted, KIND_WORDS, when } from "./words.js";

const PAGE = 24;
const dialog = element("history");
let listed = [];
let before = null;
/** Ends whatever was asked for the list that is shown: another list, or none, takes its place. */
let asked = new AbortController();

export function watchHistory() {
  element("open-history").addEventListener("click", () => {
    dialog.showModal();
    restart();
  });
  element("history-status").addEventListener("change", restart);
  element("history-more").addEventListener("click", more);
  element("history-open").addEventListener("click", openListed);
  dialog.addEventListener("close", () => asked.abort());
}

function restart() {
  asked.abort();
  asked = new AbortController();
  listed = [];
  before = null;
  element("history-scans").replaceChildren();
  element("history-open").hidden = true;
  more();
}

// Does one thing for the list that is shown, and not twice at a time; of what nobody waits for any more nothing is told.
function once(work) {
  let running = null;
  return async () => {
    const { signal } = asked;
    if (running !== signal) {
      running = signal;
      await unlessLeft(signal, work(signal));
      running = running === signal ? null : running;
    }
  };
}

const unlessLeft = (signal, work) => work.catch((error) => signal.aborted || say(error.message));

const more = once(async (signal) => {
  const status = element("history-status").value;
  const query = new URLSearchParams({ limit: PAGE, ...(status && { status }), ...(before && { before }) });
  element("history-more").hidden = !before;
  say("Looking …");
  const page = await ask(`scans?${query}`, { signal });
  listed.push(...page.scans);
  before = page.next_before;
  element("history-scans").append(...page.scans.map(item));
  say(listed.length ? "" : status ? "No scan has such a card." : "Nothing was scanned yet.");
  element("history-more").hidden = !before;
  element("history-open").hidden = !listed.length;
  element("history-open").textContent = `Open ${listed.length === 1 ? "it" : `these ${counted(listed.length, "scan")}`}`;
});

const say = (words) => {
  element("history-message").textContent = words;
};

function item(summary) {
  const kinds = ["accepted", "review", "unknown"].filter((kind) => summary[kind]);
  return h("li", {}, button(
    { class: "past", onclick: () => openOne(summary) },
    smallPicture(imageAddress(summary.scan_id, SMALL_PX)),
    h("span", { class: "words" }, h("strong", {}, when(summary.created_at)),
      h("span", { class: "counts" }, kinds.map((kind) =>
        h("span", { class: `chip ${kind}` }, icon(kind), `${summary[kind]} ${KIND_WORDS[kind]}`)),
      !kinds.length && h("span", { class: "hint" }, "no card found"))),
  ));
}

let chosen = null;

// Of several that were clicked the last one is shown.
async function openOne(summary) {
  const { signal } = asked;
  chosen = summary;
  await unlessLeft(signal, load(summary.scan_id, summary.created_at, signal).then((scan) => {
    if (chosen === summary) {
      dialog.close();
      show(scan);
    }
  }));
}

const openListed = once(async (signal) => {
  const wanted = listed.filter((one) => !withScanId(one.scan_id));
  for (const [index, summary] of wanted.entries()) {
    say(`Opening ${index + 1} of ${wanted.length} …`);
    await load(summary.scan_id, summary.created_at, signal);
  }
  dialog.close();
  show(withScanId(listed[0].scan_id));
});

/**
 * Opens a scan that the service has; one that is open stays as it is.
 * @param {string} scanId
 * @param {?string} createdAt names it
 * @param {AbortSignal} signal of whoever may leave before it is there: then it is not opened
 */
export async function load(scanId, createdAt, signal) {
  const known = withScanId(scanId);
  if (known) {
    return known;
  }
  const answer = await ask(`scans/${encodeURIComponent(scanId)}`, { signal });
  answer.cards.forEach((found) => found.candidates.forEach((one) => remember(one.card)));
  const id = answer.scan_id; // a link may write it in capitals
  const name = createdAt ? when(createdAt) : `Scan of ${cards(answer.cards.length)}`;
  const scan = newScan({ key: id, name, address: imageAddress(id), thumb: imageAddress(id, SMALL_PX), state: "done", answer });
  await loadCorrections(scan);
  signal.throwIfAborted();
  if (!withScanId(id)) {
    add([scan]); // unless another click has opened it meanwhile
  }
  return withScanId(id);
}
