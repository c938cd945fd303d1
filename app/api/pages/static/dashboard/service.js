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

export function picture(path, alt) {
  const image = make("img", undefined, { alt, loading: "lazy", decoding: "async" });
  image.addEventListener("error", () => image.replaceWith(make("span", "no picture any more", { className: "gone" })));
  image.src = path;
  return image;
}

export const crop = (id) => picture(`detections/${id}/image`, "photo of the card");
export const reference = (card) => picture(`cards/${encodeURIComponent(card.card_id)}/image`, `picture of ${card.name}`);
