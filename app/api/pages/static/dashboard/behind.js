// The panel that shows the scans behind a figure. Its address can be kept: it says all that is asked for.

import { element, line, make } from "./dom.js";
import { asked } from "./links.js";
import { ask, picture } from "./service.js";
import { counted, inWords, moment, SIGNS, STATUS } from "./words.js";

const PAGE = 12;
const JUDGED_NOTE = "Judged as they were answered. Where a learnt crop of the very same photo decided, the figures count "
  + "what the gallery alone says, and such an answer may stand on the other side here.";
let shown = null;

export function watchAddress() {
  window.addEventListener("hashchange", follow);
  element("behind-close").addEventListener("click", () => element("behind").close());
  element("behind").addEventListener("click", (event) => {
    if (event.target === element("behind")) {
      element("behind").close(); // beside the panel
    }
  });
  element("behind").addEventListener("close", () => {
    if (asked()) {
      history.pushState(null, "", location.pathname + location.search);
    }
    shown = null;
  });
  element("behind-more").addEventListener("click", () => more());
  follow();
}

// Opens, changes or closes the panel as the address says.
export function follow() {
  const conditions = asked();
  if (!conditions) {
    element("behind").close();
    return;
  }
  shown = { conditions, before: null };
  const words = inWords(conditions);
  element("behind-conditions").replaceChildren(...(words.length ? words : ["all scans"]).map((one) => make("li", one)));
  element("behind-note").textContent = JUDGED_NOTE;
  element("behind-note").hidden = !conditions.has("judged") || conditions.get("judged") === "disputed";
  element("behind-scans").replaceChildren();
  if (!element("behind").open) {
    element("behind").showModal();
  }
  element("behind").scrollTop = 0;
  more();
}

async function more() {
  const now = shown;
  const query = new URLSearchParams(now.conditions);
  query.set("limit", PAGE);
  if (now.before) {
    query.set("before", now.before);
  }
  element("behind-more").hidden = true;
  element("behind-message").textContent = "Looking …";
  try {
    const page = await ask(`scans?${query}`);
    if (now === shown) {
      append(page, now);
    }
  } catch (error) {
    if (now === shown) {
      element("behind-message").textContent = error.message;
    }
  }
}

function append(page, now) {
  const items = page.scans.map(item);
  element("behind-scans").append(...items);
  const total = element("behind-scans").children.length;
  element("behind-message").textContent = total
    ? `${counted(total, "scan")} shown${page.next_before ? "" : ", no more"}`
    : "No scan is like that any more.";
  if (now.before && items.length) {
    items[0].querySelector("a").focus(); // where whoever asked for more reads on
  }
  now.before = page.next_before;
  element("behind-more").hidden = !page.next_before;
}

function item(scan) {
  const statuses = Object.keys(STATUS).filter((status) => scan[status]);
  const counts = statuses.map((status) => {
    const text = `${SIGNS[status]} ${scan[status]} ${STATUS[status]}`;
    return make("li", text, { className: status });
  });
  const list = make("ul", undefined, { className: "statuses" });
  list.append(...(counts.length ? counts : [make("li", "no card found")]));
  const link = make("a", moment(new Date(scan.created_at)), { href: `./#scan=${scan.scan_id}` });
  return line("li", picture(`scans/${scan.scan_id}/image?height_px=352`, ""), line("div", link, list));
}
