// Builds elements. Everything is written as text, never as markup: names come from galleries, details from uploads.

const SVG = "http://www.w3.org/2000/svg";

export const element = (id) => document.getElementById(id);

/**
 * An HTML element.
 * @param {string} tag
 * @param {Object} [attributes] functions are listeners (`onclick`); what is null or false is left out
 * @param {...(Node|string|null|false|Array)} children
 */
export const h = (tag, attributes, ...children) => filled(document.createElement(tag), attributes, children);

/** The same for SVG. */
export const s = (tag, attributes, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") {
      made.addEventListener(name.slice(2), value);
    } else if (value !== null && value !== undefined && value !== false) {
      made.setAttribute(name, value === true ? "" : value);
    }
  }
  made.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Puts an element's children in, leaving out what is null or false. */
export const put = (parent, ...children) => {
  parent.replaceChildren();
  return filled(parent, null, children);
};

/**
 * Puts these children in, in this order, and moves none that stands right: an element that is taken out even for a
 * moment loses the focus, and the click that has begun on it.
 * @param {Element} parent
 * @param {Element[]} children
 */
export function arrange(parent, children) {
  const staying = new Set(children);
  for (const child of [...parent.children].filter((one) => !staying.has(one))) {
    child.remove();
  }
  children.forEach((child, index) => {
    if (parent.children[index] !== child) {
      parent.insertBefore(child, parent.children[index] ?? null);
    }
  });
}

/** Writes words where they are others than before: to write is to say them anew to who listens. */
export function write(node, words) {
  if (node.textContent !== words) {
    node.textContent = words;
  }
}

/** A button that does not send a form. */
export const button = (attributes, ...children) => h("button", { type: "button", ...attributes }, ...children);

/** Puts an element into the dialog that is open, since all else lies behind it; else where it was at first. */
export function inFront(node) {
  const [dialog] = [...document.querySelectorAll("dialog[open]")].slice(-1);
  const place = dialog ?? element("main");
  if (node.parentElement !== place) {
    (dialog?.querySelector("header") ?? element("notice")).after(node);
  }
}

/** Says something to a screen reader without moving the focus. */
export function speak(words) {
  inFront(element("spoken"));
  element("spoken").textContent = words;
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
