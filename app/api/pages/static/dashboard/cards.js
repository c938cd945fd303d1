// Cards with their pictures: what to look at, who is confused, what was learnt, what is missing.

import { element, figure, line, make, nothing } from "./dom.js";
import { crop, reference } from "./service.js";
import { counted, longDay, percent, SIGNS, STATUS, title } from "./words.js";

const MOST_CARDS = 8;
const MOST_WRONG = 24;

export function showCards(quality, links) {
  show("review", quality.review.map(worthALook), "Nothing waits: every card was accepted or has been judged.");
  show("confused", quality.confused.map((pair) => confused(pair, links)), "No card has been taken for another, as far as people said.");
  show("learnt", quality.learnt.map(learnt), "No judged answer of this time was turned by a learnt crop that is in use now.");
  show("unknown", quality.unknown_groups.map((group) => unknown(group, links)), "Nobody has met a card that the gallery lacks in this time.");
  strip("wrong", quality.accuracy.wrong, links, "No answer has been found wrong in this time.");
  strip("disputed", quality.accuracy.disputed_answers, links, "No accepted answer is disputed in this time.");
}

// Crops of answers that are judged so.
function strip(judged, answers, links, empty) {
  const crops = answers.slice(0, MOST_WRONG).map((one) => seen(one));
  crops.push(crops.length ? figure("all of them", links.to({ judged })) : nothing(empty));
  element(judged).replaceChildren(...crops);
}

function show(id, articles, empty) {
  element(id).replaceChildren(...(articles.length ? articles.slice(0, MOST_CARDS) : [nothing(empty)]));
  element(`${id}-more`)?.remove();
  if (articles.length > MOST_CARDS) {
    const rest = make("div", undefined, { className: "cards" });
    rest.append(...articles.slice(MOST_CARDS));
    const more = make("details", undefined, { id: `${id}-more` });
    more.append(make("summary", `and ${articles.length - MOST_CARDS} more`), rest);
    element(id).after(more);
  }
}

function article(pictures, lines) {
  const made = make("article");
  const row = make("div", undefined, { className: "pictures" });
  row.append(...pictures);
  made.append(row, ...lines.map((one) => (one instanceof Node ? one : make("p", one))));
  return made;
}

function captioned(image, words) {
  return line("figure", image, make("figcaption", words));
}

const scanLink = (scan, words = "the scan") => make("a", words, { href: `./#scan=${scan}` });

// The crop of a detection, leading to its scan.
function seen({ scan_id, detection_id }) {
  const link = scanLink(scan_id, null);
  link.append(crop(detection_id));
  return link;
}

function worthALook(one) {
  const pictures = [captioned(crop(one.detection_id), "photo")];
  if (one.first) {
    pictures.push(captioned(reference(one.first), "gallery"));
  }
  return article(pictures, [
    line("p", make("strong", one.first ? title(one.first) : "no candidate")),
    `${SIGNS[one.status]} ${STATUS[one.status]}${one.first ? `, ${percent(one.confidence)} sure` : ""}: ${one.reason}`,
    line("p", scanLink(one.scan_id)),
  ]);
}

function confused(pair, links) {
  const href = links.toAny({ card_id: pair.answered.card_id, right_card_id: pair.right.card_id, correction: "learned" });
  return article([captioned(reference(pair.answered), "answered"), captioned(reference(pair.right), "it was")], [
    line("p", make("strong", title(pair.answered)), " was ", make("strong", title(pair.right))),
    line("p", figure(pair.times === 1 ? "once" : counted(pair.times, "time"), href)),
  ]);
}

function learnt(one) {
  const harmful = one.lost.length > one.gained.length;
  const pictures = one.detection_id ? [captioned(crop(one.detection_id), "learnt crop")] : [];
  const made = article([...pictures, captioned(reference(one.card), "gallery")], [
    line("p", make("strong", title(one.card))),
    line("p", `learnt ${longDay(new Date(one.learnt_at))} `, make("a", "from this correction", { href: `corrections/${one.correction_id}` }),
      ...(one.scan_id ? [" of ", scanLink(one.scan_id)] : [])),
    `decided ${counted(one.decided, "judged answer")} of other photos`,
    ...turned("✓ turned right", one.gained), ...turned("✗ turned wrong", one.lost),
  ]);
  if (harmful) {
    made.className = "harmful";
    made.prepend(make("p", "⚠ turned more answers wrong than right", { className: "warning" }));
  }
  return made;
}

function turned(words, answers) {
  if (!answers.length) {
    return [];
  }
  const crops = make("div", undefined, { className: "strip small" });
  crops.append(...answers.slice(0, 6).map(seen));
  return [make("p", `${words}: ${counted(answers.length, "answer")}`), crops];
}

function unknown(group, links) {
  const times = group.seen === 1 ? "once" : counted(group.seen, "time");
  return article(group.detection_ids.map(crop), [
    line("p", "seen ", figure(times, links.toCorrections({ unknown_group: group.number })), `, last on ${longDay(new Date(group.last_seen))}`),
  ]);
}
