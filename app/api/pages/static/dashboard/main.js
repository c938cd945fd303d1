// Asks for the figures that the form chooses and shows them. The address says what was chosen, so it can be kept.

import { watchAddress } from "./behind.js";
import { showCards } from "./cards.js";
import { showCharts } from "./charts.js";
import { element, make } from "./dom.js";
import { Links } from "./links.js";
import { logOut, mayLogOut } from "../login.js";
import { ask } from "./service.js";
import { showTables } from "./tables.js";
import { showTiles } from "./tiles.js";

const DAY_MS = 86_400_000;
const form = element("filters").elements;
const NAMES = ["days", "set_id", "encoder"];

function fromAddress() {
  const query = new URLSearchParams(location.search);
  for (const name of NAMES.filter((one) => query.has(one))) {
    if (name === "encoder") {
      addEncoders([query.get(name)]);
    }
    form[name].value = query.get(name);
  }
}

function toAddress() {
  const query = new URLSearchParams(NAMES.map((name) => [name, form[name].value.trim()]));
  history.replaceState(null, "", `${location.pathname}?${query}${location.hash}`);
}

// Whole days, the present one among them.
function chosen() {
  const today = Date.now() - (Date.now() % DAY_MS);
  const days = Number(form.days.value);
  const since = days ? new Date(today - (days - 1) * DAY_MS).toISOString() : "";
  const all = { since, set_id: form.set_id.value.trim(), encoder: form.encoder.value };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value));
}

function addEncoders(names) {
  const known = [...form.encoder.options].map((option) => option.value);
  form.encoder.append(...names.filter((name) => !known.includes(name)).map((name) => make("option", name, { value: name })));
}

// What the page shows at first is being counted since the page was asked for: that very address takes the answer.
function askedAlready() {
  const given = element("first-figures");
  return given && Object.fromEntries(new URL(given.href).searchParams);
}

let latest = null; // what was asked for last is shown, whatever comes last

async function load(wanted = chosen()) {
  const conditions = (latest = wanted);
  element("message").textContent = "Counting …";
  try {
    const quality = await ask(`quality?${new URLSearchParams(conditions)}`);
    if (conditions === latest) {
      element("message").textContent = "";
      element("log-out").hidden = !mayLogOut();
      show(quality, new Links(conditions));
    }
  } catch (error) {
    if (conditions !== latest) {
      return;
    }
    element("figures").hidden = element("nothing").hidden = true;
    element("message").textContent = error.message;
  }
}

function show(quality, links) {
  const isEmpty = !quality.days.length && !quality.reasons.length;
  element("nothing").hidden = !isEmpty;
  element("figures").hidden = isEmpty;
  addEncoders(quality.encoders);
  if (!isEmpty) {
    showTiles(quality, links);
    showTables(quality, links);
    showCards(quality, links);
    showCharts(quality, links);
  }
}

element("filters").addEventListener("submit", (event) => {
  event.preventDefault();
  toAddress();
  load();
});
element("log-out").addEventListener("click", logOut);
fromAddress();
load(askedAlready() || chosen());
watchAddress();
