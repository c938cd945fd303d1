// The open scans as files: a person's word goes before the machine's answer, and what is unsure says so.

import { tellInBar, unsay } from "./bar.js";
import { all, onTheWay } from "./collection.js";
import { rowsOf } from "./outcome.js";
import { counted } from "./words.js";

const COLUMNS = ["Count", "Name", "Edition", "Edition Name", "Collector Number", "Rarity", "Language", "Game", "Card ID", "Status"];

const STATUS = { confirmed: "confirmed", accepted: "accepted", review: "review", unknown: "unknown", absent: "not in gallery" };

/** A spreadsheet takes a cell that starts like this for a formula and would run it. */
const FORMULA = /^[=+\-@\t\r]/;

const cell = (value) => {
  const text = String(value ?? "");
  const harmless = FORMULA.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
};

/** One line for each card and status, in the order in which they first came. */
export function asCsv(scans) {
  const counts = new Map();
  for (const row of scans.flatMap(rowsOf).filter((one) => one.kind !== "crossed")) {
    const key = JSON.stringify([row.card?.card_id ?? null, row.kind]);
    const line = counts.get(key) ?? { row, count: 0 };
    line.count += 1;
    counts.set(key, line);
  }
  const lines = [...counts.values()].map(({ row: { card, kind }, count }) => [
    count, card?.name, card?.set_id, card?.set_name, card?.number, card?.rarity, card?.language, card?.game, card?.card_id, STATUS[kind],
  ]);
  return [COLUMNS, ...lines].map((line) => `${line.map(cell).join(",")}\n`).join("");
}

export function asJson(scans) {
  const listed = scans.filter((scan) => scan.answer).map((scan) => ({
    scan_id: scan.answer.scan_id,
    name: scan.name,
    image: scan.answer.image,
    cards: rowsOf(scan).map((row) => ({
      position: row.position,
      status: STATUS[row.kind] ?? "not a card",
      card: row.card,
      quad: row.quad,
      detection_id: row.found?.detection_id ?? null,
      grid: row.found?.grid ?? null,
      confidence: row.found?.confidence ?? null,
      answered: row.found?.card?.card_id ?? null,
      ambiguous_with: row.found?.ambiguous_with ?? [],
      correction_id: row.correction?.correction_id ?? null,
    })),
  }));
  return `${JSON.stringify({ scans: listed }, null, 2)}\n`;
}

const KINDS = { csv: [asCsv, "text/csv"], json: [asJson, "application/json"] };

export function download(kind) {
  const [write, type] = KINDS[kind];
  const address = URL.createObjectURL(new Blob([write(all())], { type }));
  const link = document.createElement("a");
  Object.assign(link, { href: address, download: `cards-${new Date().toISOString().slice(0, 10)}.${kind}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
  tellLeftOut();
}

let told = "";

// Whoever takes the file for the whole collection must know what it lacks.
function tellLeftOut() {
  const [coming, unread] = [onTheWay().length, all().filter((scan) => scan.state === "failed").length];
  const lacks = [
    coming && `${counted(coming, "picture")} still on the way`,
    unread && `${counted(unread, "picture")} that could not be read`,
  ].filter(Boolean);
  unsay(told);
  if (lacks.length) {
    told = `This file lacks ${lacks.join(", and ")}.${coming ? " Save it again when all are there." : ""}`;
    tellInBar(told);
  }
}
