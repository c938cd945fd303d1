// The scans that are open on this page, in the order they came.

/**
 * @typedef {Object} Scan
 * @property {string} key own name on this page; the Idempotency-Key of its upload
 * @property {string} name what the person calls it: the file's name, or when it was scanned
 * @property {string} address of the picture: in memory, or at the service
 * @property {?string} thumb address of a small picture
 * @property {?File} file
 * @property {"queued"|"sending"|"looking"|"waiting"|"done"|"failed"} state
 * @property {number} progress share of the upload that is done
 * @property {string} message what it waits for
 * @property {?Error} problem why it failed
 * @property {?Object} answer the reply of POST /identify
 * @property {Object[]} corrections what people said, in order of arrival; each with its `card`
 */

/** Twice as high as small pictures are shown, for fine screens. */
export const SMALL_PX = 352;

/** Fires `change` with the scan as `detail`, and `list` when scans come, go or another one is shown. */
export const changes = new EventTarget();

const open = new Map();
let shownKey = null;

export const all = () => [...open.values()];
export const shown = () => open.get(shownKey) ?? null;
/** Those of which nothing is known yet, but will be. */
export const onTheWay = () => all().filter((scan) => scan.state !== "done" && scan.state !== "failed");
export const withScanId = (scanId) => all().find((scan) => scan.answer?.scan_id === scanId);

/** @returns {Scan} */
export function newScan(known) {
  return {
    thumb: null, file: null, state: "queued", progress: 0, message: "", problem: null, answer: null, corrections: [],
    ...known,
  };
}

export function add(scans) {
  for (const scan of scans) {
    open.set(scan.key, scan);
  }
  if (!shown() && scans.length) {
    shownKey = scans[0].key;
  }
  listed();
}

export function show(scan) {
  shownKey = scan.key;
  listed();
}

export function remove(scan) {
  const keys = [...open.keys()];
  const next = keys[keys.indexOf(scan.key) + 1] ?? keys[keys.indexOf(scan.key) - 1] ?? null;
  open.delete(scan.key);
  if (shownKey === scan.key) {
    shownKey = next;
  }
  forget(scan.address);
  forget(scan.thumb);
  listed();
}

// A picture in memory stays there until its address is taken back.
function forget(address) {
  if (address?.startsWith("blob:")) {
    URL.revokeObjectURL(address);
  }
}

/** Where a picture of the service is to be had; smaller where a height is named. */
export const imageAddress = (scanId, heightPx = null) => `scans/${scanId}/image${heightPx ? `?height_px=${heightPx}` : ""}`;

/** The service's own picture takes the place of one that the browser cannot show. */
export function showFromService(scan) {
  forget(scan.address);
  scan.address = imageAddress(scan.answer.scan_id);
}

/** Keeps a small picture, unless its scan was taken away while it was made. */
export function keepThumb(scan, address) {
  if (open.get(scan.key) === scan) {
    scan.thumb = address;
    tell(scan);
  } else {
    forget(address);
  }
}

/** Tells everybody who shows the scan. */
export function tell(scan) {
  changes.dispatchEvent(new CustomEvent("change", { detail: scan }));
}

function listed() {
  changes.dispatchEvent(new Event("list"));
}
