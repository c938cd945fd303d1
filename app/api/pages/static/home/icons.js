// Signs that tell states apart without colour, and those of buttons; drawn on 16 x 16.

import { s } from "./dom.js";

const PATHS = {
  accepted: "M3 8.6 6.4 12 13 4.6",
  review: "M5.4 6.1a2.6 2.6 0 1 1 4 2.1c-.9.6-1.4 1-1.4 2M8 12.9v.2",
  unknown: "M3.5 8h9",
  confirmed: "M1.4 8.6 4.8 12l6.4-7.4M8.3 11.6l.5.4L15 4.6",
  absent: "M2.5 2.5h11v11h-11zM5.5 8h5",
  crossed: "M4 4l8 8M12 4l-8 8",
  close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  undo: "M6 3 2.8 6.2 6 9.4M3 6.2h6.2a3.6 3.6 0 0 1 0 7.2H6",
  frame: "M3 2.5 12.5 4 13.5 13 2.5 13.5z",
};

/** A sign; what it means stands beside it in words, or in the label of what it is in. */
export function icon(name) {
  return s(
    "svg",
    { viewBox: "0 0 16 16", class: `icon sign-${name}`, "aria-hidden": "true", focusable: "false" },
    s("path", { d: PATHS[name] }),
  );
}

export const pathOf = (name) => PATHS[name];
