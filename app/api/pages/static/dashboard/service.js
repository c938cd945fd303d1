// Asks the service, and for a login where that needs one.

import { fetchLoggedIn } from "../login.js";
import { make } from "./dom.js";

// The reply's body; an error says what is wrong in words for people.
export async function ask(path) {
  let reply;
  try {
    reply = await fetchLoggedIn(path);
  } catch {
    throw new Error("The service does not answer");
  }
  if (reply.status === 401) {
    throw new Error("You are not logged in. Choose Show to log in.");
  }
  const body = await reply.json();
  if (!reply.ok) {
    throw new Error(`${body.title}: ${body.detail}`);
  }
  return body;
}

const TRIES = 5;

export function picture(path, alt) {
  const image = make("img", undefined, { alt, loading: "lazy", decoding: "async" });
  let tried = 0;
  image.addEventListener("error", async () => {
    tried += 1;
    if (tried < TRIES && (await isBusy(path))) {
      image.src = path;
    } else {
      image.replaceWith(make("span", "no picture any more", { className: "gone" }));
    }
  });
  image.src = path;
  return image;
}

// Whether a picture did not come because the service was busy; says so when it is time to ask again.
async function isBusy(path) {
  const reply = await fetch(path).catch(() => null);
  if (reply?.status !== 503) {
    return reply?.ok ?? false; // it is there by now
  }
  await new Promise((done) => setTimeout(done, 1000 * Number(reply.headers.get("Retry-After") ?? 5)));
  return true;
}

export const crop = (id) => picture(`detections/${id}/image`, "photo of the card");
export const reference = (card) => picture(`cards/${encodeURIComponent(card.card_id)}/image`, `picture of ${card.name}`);
