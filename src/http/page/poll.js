
const POLL_MS = 2000;
/** While a camera is lost or starts, to show at once that it is back. */
const POLL_SOON_MS = 1000;
const POLL_TIMEOUT_MS = 8000;
const POLL_RETRY_MAX_MS = 5000;
/** A poll this late means that the machine slept; its connections are then dead. */
const SLEPT_MS = 20000;

/** Polls the state of the cameras while the page is visible. */
const poll = { timer: 0, isRunning: false, failures: 0, uptime: 0, at: Date.now(), reason: null };

const isHealth = (value) => Array.isArray(value.cameras) && Boolean(value.system && value.http);

async function ask() {
  clearTimeout(poll.timer);
  if (poll.isRunning || document.hidden) return;
  poll.isRunning = true;
  let next = POLL_MS;
  try {
    const options = { timeoutMs: POLL_TIMEOUT_MS, credentials: credentialsAfter(poll.reason) };
    const health = await getJson(place("health"), { ...options, alsoFine: 503, isRight: isHealth });
    hear(health);
    if (health.cameras.some((camera) => camera.state === "lost" || camera.state === "starting")) next = POLL_SOON_MS;
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    poll.failures += 1;
    goOffline(error);
    next = Math.min(1000 * poll.failures, POLL_RETRY_MAX_MS);
  } finally {
    poll.isRunning = false;
    poll.timer = setTimeout(ask, next);
  }
}

function hear(health) {
  const now = Date.now();
  const isRestarted = health.uptime_seconds < poll.uptime;
  const hasSlept = now - poll.at > SLEPT_MS;
  poll.uptime = health.uptime_seconds;
  poll.at = now;
  poll.failures = 0;
  isOnline = true;
  poll.reason = null;
  showNoAnswer(null);
  showCameras(health.cameras);
  showHealth(health);
  if (isRestarted || hasSlept) {
    for (const tile of tiles.values()) tile.view.restart();
    large.view.restart();
  }
  if (large.tile && tiles.has(large.tile.name)) showLarge();
  followAddress();
  share();
}

function goOffline(reason) {
  isOnline = false;
  poll.reason = reason;
  showNoAnswer(reason);
  const link = byId("health");
  link.dataset.state = "offline";
  say(link, "health: unknown");
  // The last known states may be outdated. The large view covers the notice above.
  const places = [[byId("large-state"), byId("large-facts")]];
  for (const tile of tiles.values()) places.push([tile.state, tile.facts]);
  for (const [state, facts] of places) {
    state.dataset.state = "offline";
    say(state, "unknown");
    say(facts, "");
  }
  say(byId("large-facts"), reason.message);
  // Their connections are dead, or use up all that this browser has: either way they must be closed.
  share();
}

document.addEventListener("visibilitychange", () => {
  poll.at = Date.now();
  share();
  ask();
});
addEventListener("online", ask);
// Between polls: checks for the first picture of a stream, and for the age of a still one.
setInterval(() => {
  if (document.hidden) return;
  showPictures();
  takeStill();
}, 500);

say(byId("host"), location.hostname);
ask();
