// Asks the service; a key goes into a header, never into an address.

import { element, make } from "./dom.js";

export function headers() {
  const key = element("key").value;
  return key ? { Authorization: `Bearer ${key}` } : {};
}

// The reply's body; an error says what is wrong in words for people.
export async function ask(path) {
  let reply;
  try {
    reply = await fetch(path, { headers: headers() });
  } catch {
    throw new Error("The service does not answer");
  }
  const body = await reply.json();
  if (!reply.ok) {
    throw new Error(`${body.title}: ${body.detail}`);
  }
  return body;
}

export function picture(path, alt) {
  const image = make("img", undefined, { alt, loading: "lazy", decoding: "async" });
  const gone = () => image.replaceWith(make("span", "no picture any more", { className: "gone" }));
  image.addEventListener("error", gone);
  if (!element("key").value) {
    image.src = path;
    return image;
  }
  // An image element sends no key.
  fetch(path, { headers: headers() })
    .then((reply) => (reply.ok ? reply.blob() : Promise.reject(reply)))
    .then((blob) => {
      image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
      image.src = URL.createObjectURL(blob);
    })
    .catch(gone);
  return image;
}

export const crop = (id) => picture(`detections/${id}/image`, "photo of the card");
export const reference = (card) => picture(`cards/${encodeURIComponent(card.card_id)}/image`, `picture of ${card.name}`);
