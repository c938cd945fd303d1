// Asks for the API key once, when a call says that one is needed. The service keeps it in a cookie no script can read.

import { button, element, h } from "./dom.js";

let running = null;

/** Resolves once there is a login; rejects where the person leaves the dialog. Several calls share one dialog. */
export function logIn() {
  running ??= asked().finally(() => {
    running = null;
  });
  return running;
}

function asked() {
  return new Promise((resolve, reject) => {
    const field = h("input", { type: "password", name: "key", autocomplete: "current-password", required: true });
    const wrong = h("p", { class: "wrong", role: "alert" });
    const form = h(
      "form",
      { method: "dialog" },
      h("h2", { id: "login-title" }, "This service needs a key"),
      h("label", {}, "API key", field),
      wrong,
      h("div", { class: "actions" }, h("button", { class: "primary" }, "Log in"),
        button({ onclick: () => dialog.close() }, "Not now")),
    );
    const dialog = h("dialog", { class: "small", "aria-labelledby": "login-title" }, form);
    let isIn = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      wrong.textContent = await send(field.value);
      field.value = "";
      isIn = wrong.textContent === "";
      if (isIn) {
        dialog.close();
      } else {
        field.focus();
      }
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (isIn) {
        element("log-out").hidden = false;
        resolve();
      } else {
        reject(new Error("Without a key the service shows nothing."));
      }
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

// What is wrong with the key; empty where nothing is.
async function send(key) {
  try {
    const reply = await fetch("login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ key }),
    });
    if (reply.ok) {
      return "";
    }
    return reply.status === 401 ? "This key is not known." : (await reply.json()).detail;
  } catch {
    return "The service does not answer.";
  }
}

export async function logOut() {
  await fetch("logout", { method: "POST" });
  location.reload();
}
