// Makes small pictures of large ones, one after the other, when nothing more urgent is to be done.

import { all, imageAddress, keepThumb, SMALL_PX } from "./collection.js";
import { sleep } from "./dom.js";

const HEIGHT_PX = 176;
let running = false;

export async function makeThumbs() {
  if (running) {
    return;
  }
  running = true;
  for (let scan; (scan = all().find((one) => one.file && one.thumb === null && one.state === "done")); ) {
    keepThumb(scan, (await small(scan.file)) ?? imageAddress(scan.answer.scan_id, SMALL_PX));
    await sleep(0);
  }
  running = false;
}

// Null where the browser cannot read the picture: the service can.
async function small(file) {
  try {
    const bitmap = await createImageBitmap(file, { resizeHeight: HEIGHT_PX, resizeQuality: "medium" });
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    return URL.createObjectURL(await canvas.convertToBlob({ type: "image/jpeg", quality: 0.8 }));
  } catch {
    return null;
  }
}
