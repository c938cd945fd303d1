// The page's address names the scan that is shown: `#scan=ID`. A reload finds it again, and a link leads to it.

import { tellInBar, unsay } from "./bar.js";
import { changes, show, shown } from "./collection.js";
import { load } from "./history.js";
import { connection, NoConnection } from "./service.js";

let kept = null;
let asked = new AbortController(); // of the address that was followed last
let told = "";
let isWaiting = false; // for the service to come back

export function watchAddress() {
  changes.addEventListener("change", keep);
  changes.addEventListener("list", keep);
  window.addEventListener("hashchange", follow);
  connection.addEventListener("back", () => isWaiting && follow());
  follow();
}

const wanted = () => new URLSearchParams(location.hash.slice(1)).get("scan");

const addressOf = (scanId) => (scanId ? `#scan=${scanId}` : location.pathname + location.search);

function keep() {
  const scanId = shown()?.answer?.scan_id ?? null;
  if (scanId !== kept) {
    history.replaceState(null, "", addressOf(scanId));
    kept = scanId;
  }
}

async function follow() {
  const scanId = wanted();
  asked.abort();
  asked = new AbortController();
  isWaiting = false;
  unsay(told);
  if (scanId && scanId !== kept) {
    await open(scanId, asked.signal);
  }
}

async function open(scanId, signal) {
  try {
    const scan = await load(scanId, null, signal);
    if ([scanId, scan.answer.scan_id].includes(wanted())) {
      show(scan); // unless the person looks at something else by now
    }
  } catch (error) {
    if (!signal.aborted) {
      tell(error);
    }
  }
}

function tell(error) {
  const isGone = [404, 422].includes(error.status); // 422: no scan can be called so
  isWaiting = error instanceof NoConnection;
  told = isGone ? "There is no such scan here. It may have been deleted, or the link is not whole."
    : isWaiting ? "The service does not answer. The scan of this link is shown when it is back."
      : `The scan of this link cannot be shown. ${error.message}`;
  tellInBar(told);
  if (isGone || (kept && !isWaiting)) {
    history.replaceState(null, "", addressOf(kept)); // the address says what is shown; else a reload tries again
  }
}
