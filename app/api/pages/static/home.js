"use strict";

// Everything is written as text, never as markup: names come from galleries, details from uploads.
const element = (id) => document.getElementById(id);

async function showReadiness() {
  try {
    const response = await fetch("ready");
    const body = await response.json();
    element("ready").textContent = response.ok ? "Ready" : `Not ready: ${body.detail}`;
  } catch {
    element("ready").textContent = "The service does not answer";
  }
}

function showCards(cards) {
  const rows = cards.map((found) => {
    const row = document.createElement("tr");
    const cells = [
      found.grid ? found.grid.row + 1 : "",
      found.grid ? found.grid.column + 1 : "",
      found.status,
      found.card?.name ?? "",
      found.card?.set_name ?? found.card?.set_id ?? "",
      found.card?.number ?? "",
      `${Math.floor(found.confidence.printing * 100)} %`,
    ];
    for (const cell of cells) {
      row.insertCell().textContent = cell;
    }
    return row;
  });
  element("cards").tBodies[0].replaceChildren(...rows);
  element("cards").hidden = cards.length === 0;
}

async function identify(form) {
  const key = element("key").value;
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  const response = await fetch(form.action, { method: "POST", body: new FormData(form), headers });
  const body = await response.json();
  element("reply").hidden = false;
  element("reply").querySelector("pre").textContent = JSON.stringify(body, null, 2);
  showCards(response.ok ? body.cards : []);
  element("message").textContent = response.ok
    ? `${body.cards.length} cards in ${Math.round(body.timings_ms.total)} ms`
    : `${body.title}: ${body.detail}`;
}

element("upload").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.target.querySelector("button");
  button.disabled = true;
  element("message").textContent = "Looking …";
  try {
    await identify(event.target);
  } catch {
    element("message").textContent = "The service does not answer";
  } finally {
    button.disabled = false;
  }
});

showReadiness();
