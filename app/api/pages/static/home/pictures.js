// Pictures of the service. One that did not come, since the service was away or asked for a login, comes later.

import { h } from "./dom.js";
import { untilReady } from "./ready.js";
import { connection } from "./service.js";

const failed = new Map(); // what stands in for a picture, or its frame -> what loads it again

/** Loads all again that failed and can still be seen. */
function loadAgain() {
  const due = [...failed];
  failed.clear();
  for (const [node, again] of due) {
    if (node.isConnected) {
      again();
    }
  }
}

/** Has pictures loaded again as soon as that may help. */
export function watchPictures() {
  connection.addEventListener("back", () => untilReady().then(loadAgain));
  connection.addEventListener("login", loadAgain);
}

/**
 * Notes a picture that did not come. The first time the service is asked whether it is there: nobody else may have
 * noticed that it is not, or it has just come back. A second failure waits for news of the connection.
 * @param {Element} node without which nobody would see the picture any more
 * @param {() => void} again loads it
 * @param {number} tried how often it has failed before
 */
export function failedToLoad(node, again, tried) {
  failed.set(node, again);
  if (!tried) {
    untilReady().then(loadAgain);
  }
}

/**
 * A picture with something that stands in for it as long as it does not come.
 * @param {() => Element} make the picture, with its address
 * @param {() => Element} instead
 */
export function picture(make, instead, tried = 0) {
  const image = make();
  image.addEventListener("error", () => {
    const gap = instead();
    image.replaceWith(gap);
    failedToLoad(gap, () => gap.replaceWith(picture(make, instead, tried + 1)), tried);
  });
  return image;
}

/** A small picture beside words that say what it shows, or an empty frame. */
export const smallPicture = (src) =>
  picture(() => h("img", { src, alt: "", loading: "lazy", decoding: "async" }), () => h("span", { class: "no-picture" }));
