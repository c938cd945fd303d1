// Says whether a scan would be served, and if not, what is missing; looks again until it is.

import { element, h, put, sleep } from "./dom.js";
import { connection, heard } from "./service.js";
import { noGallery } from "./troubles.js";

const LOOK_AGAIN_MS = 4000;

export function watchReadiness() {
  connection.addEventListener("lost", lost);
  connection.addEventListener("back", untilReady);
  untilReady();
}

let looking = null;

/** Resolves when a scan would be served; whoever waits already waits for the same. */
export function untilReady() {
  looking ??= look().finally(() => {
    looking = null;
  });
  return looking;
}

async function look() {
  for (let tried = 0; !(await isReady(tried)); tried += 1) {
    await sleep(LOOK_AGAIN_MS);
  }
}

async function isReady(tried) {
  try {
    const reply = await fetch("ready");
    const body = await reply.json();
    heard(true);
    const failing = (body.checks ?? []).filter((check) => !check.ok);
    show(failing, tried);
    return reply.ok;
  } catch {
    heard(false);
    lost();
    return false;
  }
}

function show(failing, tried) {
  // The check says by itself what is to be done; one that only is late says something else.
  const lacksGallery = failing.some((check) => check.detail.includes("gallery import"));
  // A service at work may answer late once: that is no news.
  element("notice").hidden = !failing.length || (tried === 0 && !lacksGallery);
  if (lacksGallery) {
    put(element("notice"), noGallery());
  } else if (failing.length) {
    put(element("notice"), h("h2", {}, "Not ready yet"),
      h("p", {}, failing.map((check) => check.detail).join("; "), ". This page looks again by itself."));
  }
}

function lost() {
  put(element("notice"), h("h2", {}, "No connection"),
    h("p", {}, "The service does not answer. What you dropped and said here is kept, and sent when it is back."));
  element("notice").hidden = false;
  untilReady();
}
