// Scans of earlier, page by page; they open with all that was said about them.

import { remember } from "./cards.js";
import { add, newScan, show, withScanId } from "./collection.js";
import { loadCorrections } from "./corrections.js";
import { button, element, h, put } from "./dom.js";
import { icon } from "./icons.js";
import { smallPicture } from "./pictures.js";
import { ask } from "./service.js";
import { cards, counted, KIND_WORDS, when } from "./words.js";

const PAGE = 24;
/** Twice as high as it is shown, for fine screens. */
const SMALL_PX = 352;
const dialog = element("history");
let listed = [];
let before = null;

export function watchHistory() {
  element("open-history").addEventListener("click", () => {
    dialog.showModal();
    restart();
  });
  element("history-status").addEventListener("change", restart);
  element("history-more").addEventListener("click", more);
  element("history-open").addEventListener("click", openListed);
}

function restart() {
  listed = [];
  before = null;
  element("history-scans").replaceChildren();
  more();
}

async function more() {
  const status = element("history-status").value;
  const query = new URLSearchParams({ limit: PAGE, ...(status && { status }), ...(before && { before }) });
  say("Looking …");
  try {
    const page = await ask(`scans?${query}`);
    listed.push(...page.scans);
    before = page.next_before;
    element("history-scans").append(...page.scans.map(item));
    say(listed.length ? "" : status ? "No scan has such a card." : "Nothing was scanned yet.");
  } catch (error) {
    say(error.message);
  }
  element("history-more").hidden = !before;
  element("history-open").hidden = !listed.length;
  element("history-open").textContent = `Open ${listed.length === 1 ? "it" : `these ${counted(listed.length, "scan")}`}`;
}

const smallAddress = (scanId) => `scans/${scanId}/image?height_px=${SMALL_PX}`;

const say = (words) => {
  element("history-message").textContent = words;
};

function item(summary) {
  const kinds = ["accepted", "review", "unknown"].filter((kind) => summary[kind]);
  return h("li", {}, button(
    { class: "past", onclick: () => openOne(summary) },
    smallPicture(smallAddress(summary.scan_id)),
    h("span", { class: "words" }, h("strong", {}, when(summary.created_at)),
      h("span", { class: "counts" }, kinds.map((kind) =>
        h("span", { class: `chip ${kind}` }, icon(kind), `${summary[kind]} ${KIND_WORDS[kind]}`)),
      !kinds.length && h("span", { class: "hint" }, "no card found"))),
  ));
}

async function openOne(summary) {
  try {
    const scan = await load(summary.scan_id, summary.created_at);
    dialog.close();
    show(scan);
  } catch (error) {
    say(error.message);
  }
}

async function openListed() {
  const wanted = listed.filter((one) => !withScanId(one.scan_id));
  try {
    for (const [index, summary] of wanted.entries()) {
      say(`Opening ${index + 1} of ${wanted.length} …`);
      await load(summary.scan_id, summary.created_at);
    }
    dialog.close();
    show(withScanId(listed[0].scan_id));
  } catch (error) {
    say(error.message);
  }
}

/** Opens a scan that the service has; one that is open stays as it is. */
export async function load(scanId, createdAt = null) {
  const known = withScanId(scanId);
  if (known) {
    return known;
  }
  const answer = await ask(`scans/${encodeURIComponent(scanId)}`);
  answer.cards.forEach((found) => found.candidates.forEach((one) => remember(one.card)));
  const name = createdAt ? when(createdAt) : `Scan of ${cards(answer.cards.length)}`;
  const [address, thumb] = [`scans/${scanId}/image`, smallAddress(scanId)];
  const scan = newScan({ key: scanId, name, address, thumb, state: "done", answer });
  await loadCorrections(scan);
  add([scan]);
  return scan;
}

/** A scan in the page's address is opened: `#scan=ID`. */
export async function openFromAddress() {
  const scanId = new URLSearchParams(location.hash.slice(1)).get("scan");
  if (scanId) {
    await load(scanId).then(show, () => history.replaceState(null, "", location.pathname));
  }
}
