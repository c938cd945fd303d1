// Tells the service what a person says. It shows at once; it is sent in order, one at a time, until the service has
// it, and what became of it is looked up.

import { tellInBar } from "./bar.js";
import { cardOf } from "./cards.js";
import { tell } from "./collection.js";
import { sleep } from "./dom.js";
import { ask, freshKey } from "./service.js";

/** When to look what became of a correction, in milliseconds after the last look; then it stays as it is. */
const LOOKS_MS = [500, 700, 1000, 2000, 4000, 8000, 15_000, 30_000, 60_000];

let line = Promise.resolve();
let waiting = 0;
let failures = 0;
const words = []; // of this page, the latest last: {scan, said}

// Each waits for those before it: whoever changes their mind quickly still has the last word.
function inOrder(work) {
  waiting += 1;
  const done = line.then(work);
  line = done.catch(() => {}).finally(() => {
    waiting -= 1;
  });
  return done;
}

/**
 * Says what a card is. Of one person the later word counts, of two both are heard: nothing is taken back for it.
 * @param {Object} scan
 * @param {{detection_id: string}|{quad: number[][]}} about a detection, or the corners of a card that was missed
 * @param {"card"|"not_in_gallery"|"not_a_card"} verdict
 * @param {?Object} card with the verdict `card`
 */
export function say(scan, about, verdict, card = null) {
  const before = about.detection_id && words.findLast(({ said }) =>
    said.detection_id === about.detection_id && said.status !== "undone");
  if (before && before.said.verdict === verdict && before.said.card_id === (card?.card_id ?? null)) {
    return before.said; // said already, on this page
  }
  const said = {
    key: freshKey(), correction_id: null, status: "sending", reason: null, verdict, card,
    card_id: card?.card_id ?? null, detection_id: about.detection_id ?? null, quad: about.quad ?? null,
  };
  scan.corrections.push(said);
  words.push({ scan, said });
  tell(scan);
  inOrder(async () => {
    if (said.status === "undone") {
      return; // taken back before it was sent
    }
    const stored = await ask("corrections", {
      method: "POST", json: bodyOf(scan, said), headers: { "Idempotency-Key": said.key }, tries: Infinity,
    });
    said.correction_id = stored.correction_id;
    take(scan, said, stored);
    follow(scan, said);
  }).catch((error) => {
    scan.corrections.splice(scan.corrections.indexOf(said), 1);
    said.status = "undone";
    tellFailure(scan, "This could not be saved", error);
  });
  return said;
}

function bodyOf(scan, said) {
  const about = said.detection_id
    ? { detection_id: said.detection_id }
    : { scan_id: scan.answer.scan_id, quad: said.quad };
  return { ...about, verdict: said.verdict, ...(said.card_id ? { card_id: said.card_id } : {}) };
}

/** Takes a correction back, with everything it changed. */
export function undo(scan, said) {
  const before = said.status;
  said.status = "undone";
  tell(scan);
  inOrder(async () => {
    if (said.correction_id) {
      Object.assign(said, await ask(`corrections/${said.correction_id}`, { method: "DELETE", tries: Infinity }));
    }
  }).catch((error) => {
    said.status = before;
    tellFailure(scan, "This could not be taken back", error);
  });
}

/** How many words of this page could not be saved. */
export const failed = () => failures;

/** Resolves when everything that was said so far has been sent, or has failed. */
export const allSent = () => line;

export const isSending = () => waiting > 0;

/** The latest word of this page that still stands: `{scan, said}`, or null. */
export const latest = () => words.findLast(({ said }) => said.status !== "undone") ?? null;

function take(scan, said, stored) {
  if (said.status !== "undone") {
    Object.assign(said, { status: stored.status, reason: stored.reason });
    tell(scan);
  }
}

/** Looks up what became of a correction until it is judged. */
export async function follow(scan, said) {
  for (const pause of LOOKS_MS) {
    if (said.status !== "pending") {
      return;
    }
    await sleep(pause);
    try {
      take(scan, said, await ask(`corrections/${said.correction_id}`, { tries: 1 }));
    } catch {
      // The next look may tell; nothing is lost meanwhile.
    }
  }
}

function tellFailure(scan, what, error) {
  failures += 1;
  tellInBar(`${what}. ${error.message}`);
  tell(scan);
}

/** What was said about a scan before, with the cards it names. */
export async function loadCorrections(scan) {
  let listed;
  try {
    listed = await ask(`scans/${scan.answer.scan_id}/corrections`);
  } catch (error) {
    if (error.status === 403) {
      return; // a key that may only look
    }
    throw error;
  }
  for (const one of listed.corrections) {
    one.card = one.card_id ? await cardOf(one.card_id) : null;
  }
  scan.corrections = listed.corrections;
  scan.corrections.filter((one) => one.status === "pending").forEach((one) => follow(scan, one));
}
