"use strict";

const byId = (id) => document.getElementById(id);

/** A new element. Text goes in as text: a camera's name is never HTML. */
function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

/** Sets a text if it differs: screen readers repeat every change of a live region. */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

const count = (n, one, many) => `${n} ${n === 1 ? one : many}`;

/** A duration in words, readable at a glance. */
function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const [days, hours, minutes] = [Math.floor(s / 86400), Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60];
  if (days) return `${count(days, "day", "days")} ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  if (minutes) return `${minutes} min`;
  return `${s} s`;
}

/** "1280 × 720 · 29.9 fps · 2 viewers", without unknown parts. */
function facts(camera) {
  const parts = [];
  if (camera.width && camera.height) parts.push(`${camera.width} × ${camera.height}`);
  if (camera.fps !== null && camera.fps !== undefined) parts.push(`${camera.fps.toFixed(1)} fps`);
  parts.push(count(camera.viewers, "viewer", "viewers"));
  return parts.join(" · ");
}

/**
 * The base address of all of Pinhole's paths. A proxy may serve Pinhole below a path, so it is
 * derived from the page's own address: /pin, /pin/, /pin/index.html and /pin/health are all below /pin/.
 * The origin is part of it, as a page opened as http://USER:PASSWORD@HOST/ may not fetch relative to that.
 */
const base = (() => {
  const path = location.pathname.replace(/\/+$/, "");
  const leaf = `/${document.body.dataset.leaf}`;
  return `${location.origin}${path.endsWith(leaf) ? path.slice(0, -leaf.length) : path}/`;
})();

/** The address of one of Pinhole's paths. */
const place = (path) => base + path.replace(/^\/+/, "");

/**
 * The address for the page's own requests. If a password is now required, the page says so: without this the
 * browser would open its dialogue repeatedly, for each stream and every few seconds.
 */
const quietly = (address) => `${address}?dialog=no`;

const streamOf = (camera) => place(`cameras/${camera.name}/stream`);
const snapshotOf = (camera) => place(`cameras/${camera.name}/snapshot.jpg`);

// A browser resolves these against the page's address, which may lack the slash at its end.
for (const link of document.querySelectorAll("a[href], link[href]")) {
  link.href = place(link.getAttribute("href"));
}

/** Why there is no usable response: words for the reader, and a kind for the page. */
class NoAnswer extends Error {
  constructor(kind, words) {
    super(words);
    this.kind = kind;
  }
}

/**
 * Gets JSON that `isRight`. A response that takes longer than `timeoutMs` is an error, as is a status
 * other than 200 and `alsoFine`. Throws only NoAnswer.
 */
async function getJson(address, { timeoutMs, alsoFine, isRight, credentials }) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs);
  let answer, text;
  try {
    const options = { headers: { Accept: "application/json" }, cache: "no-store", signal: abort.signal };
    // A redirect leads to a login or to a page, never to JSON.
    answer = await fetch(quietly(address), { ...options, redirect: "manual", credentials });
    text = await answer.text();
  } catch (error) {
    throw new NoAnswer("connection", "Connection to Pinhole lost, trying again …");
  } finally {
    clearTimeout(timer);
  }
  let value = null;
  try {
    value = JSON.parse(text);
  } catch (error) { /* The response is not Pinhole's. */ }
  const isFine = answer.ok || answer.status === alsoFine;
  if (isFine && value !== null && isRight(value)) return value;
  throw complaint(answer, value, address);
}

/** The fault of a response. */
function complaint(answer, value, address) {
  const { status } = answer;
  if (answer.type === "opaqueredirect") {
    return new NoAnswer("elsewhere", "This address leads elsewhere now, perhaps to a login. Reload the page.");
  }
  // Without the password, health only says whether all is well.
  const isCutShort = value !== null && typeof value.status === "string";
  if (status === 401 || isCutShort) {
    return new NoAnswer("password", "A password is needed. Reload the page to enter it.");
  }
  const isPinhole = value !== null && typeof value.error === "string";
  if (isPinhole && status !== 404) return new NoAnswer("refused", `Pinhole refuses: ${value.error}. Trying again …`);
  if (status >= 500) {
    return new NoAnswer("gateway", `A proxy answers, but it cannot reach Pinhole (status ${status}). Trying again …`);
  }
  if (status === 403 || status === 429) {
    return new NoAnswer("refused", `${location.host} refuses access (status ${status}). Trying again …`);
  }
  const type = (answer.headers.get("content-type") || "no content type").split(";")[0];
  return new NoAnswer("address", `Wrong address: Pinhole does not answer at ${address} (status ${status}, ${type}). `
    + `A proxy in between must pass on every address below ${base}`);
}

/** Shows or hides the notice about a missing response. */
function showNoAnswer(reason) {
  const notice = byId("offline");
  notice.hidden = reason === null;
  notice.dataset.kind = reason ? reason.kind : "";
  say(byId("offline-words"), reason ? reason.message : "");
  byId("reload").hidden = reason === null || !["password", "elsewhere", "address"].includes(reason.kind);
  document.body.classList.toggle("offline", reason !== null);
}

/** A password that was refused once is not sent again: wrong ones are counted. */
const credentialsAfter = (reason) => (reason && reason.kind === "password" ? "omit" : "same-origin");

byId("reload").onclick = () => location.reload();
