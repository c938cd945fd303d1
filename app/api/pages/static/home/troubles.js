// What went wrong with a picture, and what to do about it.

import { h } from "./dom.js";

const IMPORT = "binderlens gallery import MANIFEST --images DIR";

const HELP = {
  unsupported_format: ["Not a picture", "JPEG, PNG, WebP, TIFF and HEIC pictures can be read. Save this one as one of these, then choose it again."],
  broken_image: ["This picture is damaged", "It may have been cut off on its way here. Take it again, or copy it anew."],
  empty_upload: ["This file is empty", "Nothing is in it. Choose the picture itself, not a placeholder that is still in the cloud."],
  upload_too_large: ["This picture is too large", "Save it smaller: 12 megapixels are plenty for a page of nine cards."],
  gallery_mismatch: ["The gallery belongs to another encoder", "Embed it again: binderlens gallery re-embed"],
};

/** Whether the same file may well be read when it is sent once more. */
export const mayHelpToRepeat = (problem) => !Object.hasOwn(HELP, problem.code) || problem.code === "gallery_mismatch";

/** @returns {Node[]} a heading and what to try */
export function troubleWords(problem) {
  if (problem.code === "gallery_empty") {
    return noGallery();
  }
  const [title, help] = HELP[problem.code] ?? ["This picture could not be read", ""];
  return [
    h("h2", {}, title),
    help && h("p", {}, help),
    h("p", { class: "detail" }, HELP[problem.code] ? problem.detail : problem.message,
      problem.requestId && !HELP[problem.code] ? ` (request ${problem.requestId})` : ""),
  ].filter(Boolean);
}

export const noGallery = () => [
  h("h2", {}, "No gallery yet"),
  h("p", {}, "A gallery holds the pictures of the cards that can be named. Make one from a list of your cards (CSV with "
    + "card_id, name and image at least) and a folder of their pictures:"),
  h("pre", {}, h("code", {}, IMPORT)),
  h("p", {}, "Pictures can be dropped here as soon as it is there; this page notices by itself."),
];

export const noCards = () => [
  h("h2", {}, "No card found"),
  h("ul", {},
    h("li", {}, "Let the cards fill most of the picture, all four corners of each in view."),
    h("li", {}, "Hold the camera straight above, and turn lamps away that mirror in sleeves."),
    h("li", {}, "Lay single cards on a plain ground, apart from each other.")),
  h("p", {}, "A card that is there all the same can be drawn by hand."),
];
