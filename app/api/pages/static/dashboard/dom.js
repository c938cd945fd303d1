// Everything is written as text, never as markup: names come from galleries, details from uploads.

export const element = (id) => document.getElementById(id);

export function make(tag, text, attributes = {}) {
  const made = Object.assign(document.createElement(tag), attributes);
  if (text !== undefined && text !== null) {
    made.textContent = text;
  }
  return made;
}

// A figure and the scans behind it; nothing lies behind nothing.
export function figure(text, href, isThere = true) {
  return href && isThere ? make("a", text, { href, className: "figure" }) : make("span", text);
}

// Texts and elements in one line.
export function line(tag, ...parts) {
  const made = make(tag);
  made.append(...parts);
  return made;
}

export const nothing = (text) => make("p", text, { className: "empty" });
