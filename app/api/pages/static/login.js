// Logs in where the service asks for a key. It is exchanged for a cookie, which the browser sends with every link
// and picture by itself and which no script can read, this one neither.

const REMEMBERED = "binderlens-logged-in"; // that there is a login to end
let asking = null; // whoever is refused waits for the same answer

// fetch, which asks for a key where one is needed and then asks the service again. A body must be one that can be sent twice.
export async function fetchLoggedIn(path, options) {
  for (;;) {
    const reply = await fetch(path, options);
    if (reply.status !== 401 || !(await logIn())) {
      return reply;
    }
  }
}

// Whether somebody is logged in now; false where he would not.
export function logIn() {
  if (asking) {
    bringForward(document.getElementById("login"));
  }
  asking ??= ask().finally(() => { asking = null; });
  return asking;
}

export const mayLogOut = () => stored((storage) => storage.getItem(REMEMBERED) !== null) ?? false;

// A browser may keep nothing for this page, and refuse to be asked.
function stored(use) {
  try {
    return use(localStorage);
  } catch {
    return null;
  }
}

export async function logOut() {
  const reply = await fetch("logout", { method: "POST" });
  if (reply.ok) {
    stored((storage) => storage.removeItem(REMEMBERED));
    location.reload();
  }
}

function ask() {
  const { dialog, form, input, message } = parts();
  bringForward(dialog);
  return new Promise((resolve) => {
    let isIn = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const trouble = await send(input.value);
      isIn = trouble === null;
      if (isIn) {
        stored((storage) => storage.setItem(REMEMBERED, "yes"));
        dialog.close();
      } else {
        message.textContent = trouble;
        input.select();
      }
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(isIn);
    });
  });
}

// In front of whatever panel is open, also of one that was opened since. Not closed for that: closing means no.
function bringForward(dialog) {
  dialog.remove();
  dialog.removeAttribute("open");
  document.body.append(dialog);
  dialog.showModal();
}

// What is wrong, in words; null where nothing is.
async function send(key) {
  try {
    const headers = { "Content-Type": "application/json" };
    const reply = await fetch("login", { method: "POST", headers, body: JSON.stringify({ key }) });
    return reply.ok ? null : (await reply.json()).detail;
  } catch {
    return "The service does not answer";
  }
}

function parts() {
  const make = (tag, attributes, ...inside) => {
    const made = Object.assign(document.createElement(tag), attributes);
    made.append(...inside);
    return made;
  };
  const input = make("input", { type: "password", name: "key", required: true, autocomplete: "current-password" });
  const message = make("p", { className: "message" });
  message.setAttribute("role", "alert");
  const cancel = make("button", { type: "button" }, "Not now");
  const form = make(
    "form", { method: "dialog" },
    make("h2", { id: "login-title" }, "Log in"),
    make("p", {}, "This service is open to who has a key. The browser keeps no key, but a login that ends by itself."),
    make("label", {}, "Key ", input), message, make("div", { className: "choices" }, make("button", {}, "Log in"), cancel),
  );
  const dialog = make("dialog", { id: "login" }, form);
  dialog.setAttribute("aria-labelledby", "login-title");
  cancel.addEventListener("click", () => dialog.close());
  return { dialog, form, input, message };
}
