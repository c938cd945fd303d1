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
  for (const address of [scan.address, scan.thumb].filter((one) => one?.startsWith("blob:"))) {
    URL.revokeObjectURL(address);
  }
  listed();
}

/** Tells everybody who shows the scan. */
export function tell(scan) {
  changes.dispatchEvent(new CustomEvent("change", { detail: scan }));
}

function listed() {
  changes.dispatchEvent(new Event("list"));
}
