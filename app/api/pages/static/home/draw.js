// Draws a card that was missed: four corners by clicks, then handles to move by pointer or arrow keys.

import { button, h, put, s, speak } from "./dom.js";
import { icon } from "./icons.js";

const NAMES = ["top left", "top right", "bottom right", "bottom left"];
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const HANDLE_PX = 9;
/** The smallest side the service takes, in pixels of the picture. */
const LEAST_SIDE_PX = 20;

/**
 * Begins to draw.
 * @param {{overlay: SVGElement, tools: Element, image: {width: number, height: number}, redraw: () => void}} on
 * @returns {{show: (unit: number) => void, end: () => void, quad: Promise<?number[][]>}} `quad` runs clockwise from the
 *   card's own top left; null where the person gave up, or whoever shows the picture has ended the drawing. `show` is
 *   called after the outlines were drawn anew.
 */
export function draw({ overlay, tools, image, redraw }) {
  let corners = [];
  let held = null; // the corner whose handle has the focus, which is drawn anew with each move
  const ended = new AbortController(); // takes all listeners away
  const { signal } = ended;
  let done;
  const quad = new Promise((resolve) => {
    done = resolve;
  });
  const clamp = ([x, y]) => [Math.min(Math.max(x, 0), image.width), Math.min(Math.max(y, 0), image.height)].map(Math.round);

  function place(event) {
    if (corners.length < 4 && event.button === 0) {
      event.preventDefault();
      event.stopPropagation();
      corners.push(clamp(toPicture(overlay, event)));
      corners = corners.length === 4 ? clockwise(corners) : corners;
      changed();
    }
  }
  function finish(result) {
    ended.abort();
    done(result);
  }
  function cancel(event) {
    if (event.key === "Escape" && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      finish(null);
    }
  }
  function startInTheMiddle() {
    const { width, height } = image;
    const [half, tall] = [Math.min(width, height) / 8, (Math.min(width, height) / 8) * (88 / 63)];
    corners = [[-half, -tall], [half, -tall], [half, tall], [-half, tall]].map(([x, y]) => clamp([width / 2 + x, height / 2 + y]));
    held = 0;
    changed();
  }
  function move(index, corner) {
    held = index;
    corners[index] = clamp(corner);
    changed();
  }
  function changed() {
    put(tools, h("p", { class: "hint", role: "status" }, hint(corners)),
      corners.length === 4 && button({ class: "primary", disabled: !isCard(corners), onclick: () => finish(corners) }, "Name this card"),
      corners.length < 4 && button({ onclick: startInTheMiddle }, icon("frame"), "Start with a frame"),
      button({ onclick: () => finish(null) }, "Cancel"));
    redraw();
  }
  overlay.addEventListener("click", place, { capture: true, signal });
  document.addEventListener("keydown", cancel, { capture: true, signal });
  setTimeout(() => signal.aborted || changed()); // the caller holds what is returned by then
  return { quad, end: () => finish(null), show: (unit) => show(overlay, corners, unit, move, held) };
}

const hint = (corners) =>
  corners.length < 4
    ? `Click the card's ${NAMES[corners.length]} corner (${corners.length + 1} of 4), as the card itself stands. Escape cancels.`
    : isCard(corners) ? "Drag the corners to fit, or move them with the arrow keys." : "These corners enclose no card: move them apart.";

function show(overlay, corners, unit, move, held) {
  overlay.append(
    s("g", { class: "drawn" },
      s(corners.length === 4 ? "polygon" : "polyline", { points: corners.map((corner) => corner.join(",")).join(" ") }),
      corners.map((corner, index) => handle(overlay, corner, index, unit, move, corners.length === 4))),
  );
  overlay.querySelector(`[data-corner="${held}"]`)?.focus();
}

function handle(overlay, [x, y], index, unit, move, isMovable) {
  const made = s("circle", {
    class: "handle", cx: x, cy: y, r: HANDLE_PX * unit, "data-corner": index,
    ...(isMovable ? { tabindex: 0, role: "button", "aria-label": `The card's ${NAMES[index]} corner at ${x}, ${y}; arrow keys move it` } : {}),
  });
  if (!isMovable) {
    return made;
  }
  made.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (step) {
      event.preventDefault();
      const length = (event.shiftKey ? 10 : 1) * unit;
      move(index, [x + step[0] * length, y + step[1] * length]);
      speak(`${Math.round(x + step[0] * length)}, ${Math.round(y + step[1] * length)}`);
    }
  });
  made.addEventListener("pointerdown", (event) => drag(overlay, event, index, move));
  return made;
}

// The handle is drawn anew while it moves, so the drawing as a whole follows the pointer.
function drag(overlay, event, index, move) {
  event.preventDefault();
  const follow = (moved) => move(index, toPicture(overlay, moved));
  overlay.setPointerCapture(event.pointerId);
  overlay.addEventListener("pointermove", follow);
  overlay.addEventListener("pointerup", () => overlay.removeEventListener("pointermove", follow), { once: true });
}

function toPicture(overlay, event) {
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(overlay.getScreenCTM().inverse());
  return [point.x, point.y];
}

// Who clicks the corners the other way round means the same card: the first one counts.
const clockwise = (corners) => (turn(...corners) < 0 ? [corners[0], corners[3], corners[2], corners[1]] : corners);

const turn = (a, b, c, d) => (c[0] - a[0]) * (d[1] - b[1]) - (c[1] - a[1]) * (d[0] - b[0]);

function isCard(corners) {
  return corners.every((corner, index) => {
    const [next, after] = [corners[(index + 1) % 4], corners[(index + 2) % 4]];
    const side = [next[0] - corner[0], next[1] - corner[1]];
    const cross = side[0] * (after[1] - next[1]) - side[1] * (after[0] - next[0]);
    return cross > 0 && Math.hypot(...side) >= LEAST_SIDE_PX;
  });
}
