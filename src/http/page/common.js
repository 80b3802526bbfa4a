"use strict";

const byId = (id) => document.getElementById(id);

/** A new element. Text goes in as text: what cameras are named is never HTML. */
function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

/** Sets a text if it is another one; screen readers then repeat only what changed. */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

const count = (n, one, many) => `${n} ${n === 1 ? one : many}`;

/** Seconds in the words of somebody who glances at them. */
function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const [days, hours, minutes] = [Math.floor(s / 86400), Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60];
  if (days) return `${count(days, "day", "days")} ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  if (minutes) return `${minutes} min`;
  return `${s} s`;
}

/** "1280 × 720 · 29.9 fps · 2 viewers", without what is not known. */
function facts(camera) {
  const parts = [];
  if (camera.width && camera.height) parts.push(`${camera.width} × ${camera.height}`);
  if (camera.fps !== null && camera.fps !== undefined) parts.push(`${camera.fps.toFixed(1)} fps`);
  parts.push(count(camera.viewers, "viewer", "viewers"));
  return parts.join(" · ");
}

/**
 * Gets JSON. An answer that does not come within `timeoutMs` is an error, as is a status other than
 * 200 and those of `alsoFine`.
 */
async function getJson(path, timeoutMs, alsoFine) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs);
  try {
    const options = { headers: { Accept: "application/json" }, cache: "no-store", signal: abort.signal };
    // Not `path` alone: a page opened as http://USER:PASSWORD@HOST/ may not fetch what is relative to it.
    const answer = await fetch(location.origin + path, options);
    if (!answer.ok && answer.status !== alsoFine) throw new Error(`${path}: status ${answer.status}`);
    return await answer.json();
  } finally {
    clearTimeout(timer);
  }
}

const OFFLINE_WORDS = "Connection to Pinhole lost, trying again …";
