// Sends pictures, two at a time. One that is turned away for now waits and is sent again; nothing is lost meanwhile.

import { remember } from "./cards.js";
import { add, all, newScan, tell } from "./collection.js";
import { sleep, speak } from "./dom.js";
import { freshKey, heard, isPassing, mustLogIn, NoConnection, problemOf, waitMs } from "./service.js";
import { cards } from "./words.js";

const MOST_AT_ONCE = 2;
/** How long sending waits for the picture to be shown: on a small machine both would fight for the same cores. */
const SHOWN_FIRST_MS = 400;

const queue = [];
let running = 0;

/** @param {Iterable<File>} files */
export function enqueue(files) {
  const scans = Array.from(files, (file) =>
    newScan({ key: freshKey(), name: file.name || "pasted picture", address: URL.createObjectURL(file), file }));
  add(scans);
  queue.push(...scans);
  next();
}

export function again(scan) {
  Object.assign(scan, { state: "queued", problem: null, progress: 0 });
  queue.push(scan);
  tell(scan);
  next();
}

export const isBusy = () => running + queue.length > 0;

async function next() {
  while (queue.length && running < MOST_AT_ONCE) {
    running += 1;
    work(queue.shift()).finally(() => {
      running -= 1;
      next();
    });
  }
}

async function work(scan) {
  await Promise.race([scan.seen ?? sleep(50), sleep(SHOWN_FIRST_MS)]);
  for (let tried = 0; all().includes(scan); tried += 1) {
    try {
      change(scan, { state: "sending", progress: 0, message: "" });
      await readable(scan.file);
      const answer = await send(scan);
      answer.cards.forEach((found) => found.candidates.forEach((one) => remember(one.card)));
      change(scan, { state: "done", answer });
      speak(`${scan.name}: ${cards(answer.cards.length)} found`);
      return;
    } catch (error) {
      if (!(await mayTryAgain(scan, error, tried))) {
        change(scan, { state: "failed", problem: error });
        speak(`${scan.name}: ${error.message}`);
        return;
      }
    }
  }
}

function change(scan, changed) {
  Object.assign(scan, changed);
  tell(scan);
}

// Waits as long as it takes, telling so each second. False where trying again would not help.
async function mayTryAgain(scan, error, tried) {
  if (error.status === 401) {
    return mustLogIn().then(() => true, () => false);
  }
  if (!isPassing(error)) {
    return false;
  }
  const why = error instanceof NoConnection ? "The service does not answer" : reason(error);
  for (let left = Math.ceil(waitMs(error, tried) / 1000); left > 0 && all().includes(scan); left -= 1) {
    change(scan, { state: "waiting", message: `${why}. Trying again in ${left}\u00a0s.` });
    await sleep(1000);
  }
  return true;
}

const reason = (error) =>
  error.status === 429 ? "Enough scans for this minute" : error.code === "busy" ? "The service is busy" : "Not just now";

// A folder, or a file that is gone: to the browser that looks like a service that does not answer.
const readable = (file) =>
  file.slice(0, 1).arrayBuffer().catch(() => {
    throw new Error("This cannot be read: it is a folder, or the file is gone. Drop the pictures themselves.");
  });

// fetch tells nothing about how far an upload has come.
function send(scan) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "identify");
    request.setRequestHeader("Idempotency-Key", scan.key);
    request.upload.addEventListener("progress", (event) => {
      change(scan, { progress: event.lengthComputable ? event.loaded / event.total : 0 });
    });
    request.upload.addEventListener("load", () => change(scan, { state: "looking" }));
    request.addEventListener("error", () => {
      heard(false);
      reject(new NoConnection());
    });
    request.addEventListener("load", () => {
      heard(true);
      if (request.status === 200) {
        try {
          resolve(JSON.parse(request.responseText));
        } catch {
          reject(new Error("Something between here and the service answered in its place."));
        }
      } else {
        reject(problemOf(request.status, request.responseText, request.getResponseHeader("Retry-After")));
      }
    });
    const form = new FormData();
    form.append("image", scan.file);
    request.send(form);
  });
}
