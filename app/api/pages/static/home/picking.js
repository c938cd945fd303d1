// Pictures come by a button, by dropping them anywhere, or by pasting.

import { element } from "./dom.js";

/** @param {(files: Iterable<File>) => void} take */
export function watchPicking(take) {
  for (const field of [element("files"), element("camera")]) {
    field.addEventListener("change", () => {
      take([...field.files]);
      field.value = ""; // the same file may be chosen again
    });
  }
  document.addEventListener("click", (event) => {
    const asked = event.target.closest("[data-pick]");
    if (asked) {
      element(asked.dataset.pick).click();
    }
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length) {
      event.preventDefault();
      take([...event.clipboardData.files]);
    }
  });
  watchDrops(take);
}

function watchDrops(take) {
  let depth = 0; // entering a child comes before leaving its parent
  const over = (change) => {
    depth = Math.max(0, depth + change);
    document.body.classList.toggle("dropping", depth > 0);
  };
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragenter", (event) => holdsFiles(event) && over(1));
  document.addEventListener("dragleave", (event) => holdsFiles(event) && over(-1));
  document.addEventListener("dragover", (event) => holdsFiles(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (holdsFiles(event)) {
      event.preventDefault();
      over(-depth);
      take([...event.dataTransfer.files]);
    }
  });
}
