// Asks the service: logs in where that is needed, and waits where it is busy or away. Keys stay in a cookie.

import { element, sleep } from "./dom.js";
import { logIn } from "../login.js";

/** An error the service answered with (RFC 9457). */
export class Problem extends Error {
  constructor(status, body, retryAfterS) {
    super(body.detail ? `${body.title}: ${body.detail}` : `The service answered ${status}.`);
    Object.assign(this, { status, code: body.code ?? "", detail: body.detail ?? "", requestId: body.request_id ?? "" });
    this.retryAfterS = retryAfterS;
  }
}

/** The service did not answer at all. */
export class NoConnection extends Error {
  constructor() {
    super("The service does not answer.");
  }
}

/** Fires `lost` and `back`, and `login` where somebody has logged in. */
export const connection = new EventTarget();

/** Trying again does not help before a person has done something. */
const LASTING = new Set(["gallery_empty", "gallery_mismatch"]);

export const isPassing = (error) =>
  error instanceof NoConnection || ([429, 502, 503, 504].includes(error.status) && !LASTING.has(error.code));

/** Milliseconds until the next try: what the service asks for, else longer each time. */
export function waitMs(error, tries) {
  const own = Math.min(500 * 2 ** tries, 10_000);
  return error.retryAfterS ? 1000 * error.retryAfterS : own;
}

/** Whoever is asked to come back later than this is told so instead of being kept waiting. */
const LONGEST_WAIT_MS = 120_000;

let isLost = false;

export function heard(answered) {
  if (answered === isLost) {
    isLost = !answered;
    connection.dispatchEvent(new Event(answered ? "back" : "lost"));
  }
}

/** What a reply says went wrong. */
export function problemOf(status, text, retryAfter) {
  let body = {};
  try {
    body = JSON.parse(text);
  } catch {
    // A proxy in between answers in its own words.
  }
  return new Problem(status, body, Number.parseInt(retryAfter, 10) || null);
}

/**
 * Asks and waits until there is an answer: whatever is asked here may be asked twice.
 * @param {string} path relative to the page, so that it works below a path of a proxy
 * @param {{method?: string, json?: Object, headers?: Object, signal?: AbortSignal, tries?: number}} [how]
 */
export async function ask(path, { tries = 8, ...how } = {}) {
  for (let tried = 0; ; tried += 1) {
    try {
      return await askOnce(path, how);
    } catch (error) {
      if (error.status === 401) {
        await mustLogIn();
      } else if (!isPassing(error) || tried + 1 >= tries || waitMs(error, tried) > LONGEST_WAIT_MS) {
        throw error;
      } else {
        await sleep(waitMs(error, tried));
      }
    }
  }
}

/** Without a login there is nothing to see; whoever does not want one is told so. */
export async function mustLogIn() {
  if (!(await logIn())) {
    throw new Error("You are not logged in: this service is open to who has a key.");
  }
  element("log-out").hidden = false;
  connection.dispatchEvent(new Event("login"));
}

async function askOnce(path, { method = "GET", json, headers = {}, signal }) {
  const body = json && JSON.stringify(json);
  const sent = body ? { "Content-Type": "application/json", ...headers } : headers;
  let reply;
  let text;
  try {
    reply = await fetch(path, { method, headers: sent, body, signal });
    text = await reply.text();
  } catch (error) {
    if (error.name === "AbortError") {
      throw error;
    }
    heard(false);
    throw new NoConnection();
  }
  heard(true);
  if (!reply.ok) {
    throw problemOf(reply.status, text, reply.headers.get("Retry-After"));
  }
  return text ? JSON.parse(text) : null;
}

/** A name for a request, so that it can be repeated without being done twice. */
export function freshKey() {
  // crypto.randomUUID is there only under https and on this machine.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
