
// Every camera as a tile. A browser opens six connections to a host, over all of its windows: up to
// four are for streams, one is for what is asked every two seconds, one for single pictures.
const STREAMS_MAX = 4;

const POLL_MS = 2000;
/** While a camera is lost or starts: that it is back should be seen at once. */
const POLL_SOON_MS = 1000;
const POLL_TIMEOUT_MS = 8000;
const POLL_RETRY_MAX_MS = 5000;
/** A poll that comes so late means that the machine slept; its connections are dead then. */
const SLEPT_MS = 20000;

/** A stream that ended is opened again after this long, doubled each time it fails. */
const REOPEN_MIN_MS = 1000;
const REOPEN_MAX_MS = 15000;
/** A live camera whose picture does not change for so long: the connection is taken for dead. */
const STALL_MIN_MS = 10000;
/** A picture that is still by itself (a covered lens) costs one new connection in so long at most. */
const STALL_MAX_MS = 300000;
/** The service counts a new stream among the viewers within this time. */
const COUNTED_MS = 5000;

/** Between two single pictures, whichever camera they are of; a camera's first does not wait. */
const STILL_GAP_MS = 1500;
const STILL_TIMEOUT_MS = 8000;
/** Each camera in view that has no stream gets a new picture this often while it is open, */
const STILL_OPEN_MS = 3000;
/** and this often if the picture has to open it. Cameras out of view are left alone. */
const STILL_IDLE_MS = 10000;
/** A picture older than this is shown as old. */
const OLD_MS = 15000;
const STILL_WIDTH_MAX = 1280;

/** An empty GIF. Only another source makes every browser close a stream's connection. */
const BLANK = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";

/** Every stream has a URL of its own: browsers share the pictures (and the end) of equal URLs. */
let streamNumber = Date.now();

/** Whether a picture changes, told from a small copy of it. */
const probe = make("canvas");
probe.width = 64;
probe.height = 36;
const probeContext = probe.getContext("2d", { willReadFrequently: true });

function fingerprint(image) {
  probeContext.drawImage(image, 0, 0, probe.width, probe.height);
  const { data } = probeContext.getImageData(0, 0, probe.width, probe.height);
  let hash = 0;
  for (let at = 0; at < data.length; at += 1) hash = (Math.imul(hash, 31) + data[at]) | 0;
  return hash;
}

function closeImage(image) {
  image.onload = null;
  image.onerror = null;
  image.src = BLANK;
  image.removeAttribute("src");
  image.remove();
}

/** One camera's picture: a stream, above the last picture that there was before it. */
class View {
  constructor(box) {
    this.box = box;
    this.still = box.appendChild(make("canvas"));
    this.badge = box.appendChild(make("span", "badge"));
    this.cover = box.appendChild(make("span", "cover"));
    this.coverTitle = this.cover.appendChild(make("strong"));
    this.coverText = this.cover.appendChild(make("span"));
    this.url = null;
    this.image = null;
    this.clear();
  }

  /** Forgets the picture of before. */
  clear() {
    this.stop();
    this.still.width = 0;
    this.stillAt = null;
  }

  get isStreaming() {
    return this.url !== null;
  }

  get hasLivePicture() {
    return this.image !== null && this.image.naturalWidth > 0;
  }

  /** Streams from now on, whatever happens to the connection. */
  stream(url) {
    if (this.url === url) return;
    this.stop();
    this.url = url;
    this.stallMs = STALL_MIN_MS;
    this.reopenMs = REOPEN_MIN_MS;
    this.open();
  }

  /** Closes the stream; its last picture stays. */
  stop() {
    this.url = null;
    this.close();
  }

  /** Lets go of a connection that may be dead, for a new one. */
  restart() {
    if (!this.isStreaming) return;
    this.close();
    this.open();
  }

  open() {
    const image = make("img");
    image.alt = "";
    image.onerror = () => this.reopenLater();
    streamNumber += 1;
    image.src = `${this.url}?n=${streamNumber}`;
    this.image = this.box.insertBefore(image, this.badge);
    this.openedAt = this.changedAt = Date.now();
    this.fingerprint = null;
  }

  close() {
    clearTimeout(this.timer);
    if (!this.image) return;
    this.keep(this.image, this.changedAt);
    closeImage(this.image);
    this.image = null;
  }

  reopenLater() {
    this.close();
    this.timer = setTimeout(() => this.open(), this.reopenMs);
    this.reopenMs = Math.min(2 * this.reopenMs, REOPEN_MAX_MS);
  }

  /** Makes a picture, of this moment, the one that is shown while there is no stream. */
  keep(image, moment) {
    if (!image.naturalWidth) return;
    const scale = Math.min(1, STILL_WIDTH_MAX / image.naturalWidth);
    this.still.width = Math.round(image.naturalWidth * scale);
    this.still.height = Math.round(image.naturalHeight * scale);
    this.still.getContext("2d").drawImage(image, 0, 0, this.still.width, this.still.height);
    this.stillAt = moment;
  }

  /** Notices a connection that died without a word. */
  check(camera) {
    if (!this.image) return;
    const now = Date.now();
    if (this.hasLivePicture) {
      const fingerprintNow = fingerprint(this.image);
      if (fingerprintNow !== this.fingerprint) {
        if (this.fingerprint !== null) {
          this.stallMs = STALL_MIN_MS;
          this.reopenMs = REOPEN_MIN_MS;
        }
        this.fingerprint = fingerprintNow;
        this.changedAt = now;
      }
    }
    const isUncounted = camera.viewers === 0 && now - this.openedAt > COUNTED_MS;
    const isStalled = camera.state === "live" && now - this.changedAt > this.stallMs;
    if (isStalled) this.stallMs = Math.min(2 * this.stallMs, STALL_MAX_MS);
    if (isUncounted || isStalled) this.restart();
  }

  /** Says what the picture cannot. */
  show(camera) {
    const isLive = this.hasLivePicture;
    const isLost = camera.state === "lost";
    const isWaiting = !isLost && !isLive && this.stillAt === null;
    const age = this.stillAt === null ? 0 : Date.now() - this.stillAt;
    this.cover.hidden = !isLost && !isWaiting;
    this.cover.className = isLost ? "cover lost" : "cover waiting";
    say(this.coverTitle, isLost ? "No picture" : "Waiting for a picture");
    say(this.coverText, sentence(camera.reason || ""));
    this.badge.hidden = isLost || isLive || isWaiting;
    say(this.badge, age < 1000 ? "still picture" : `still picture, ${duration(age / 1000)} old`);
    this.box.classList.toggle("old", !isLive && age > OLD_MS);
    this.box.dataset.picture = isLost ? "lost" : isLive ? "live" : isWaiting ? "none" : "still";
  }
}

/** A camera's place on the page. */
class Tile {
  constructor(name) {
    this.name = name;
    this.isInView = false;
    this.stillTriedAt = 0;
    this.root = make("article", "camera");
    this.link = this.root.appendChild(make("a", "picture"));
    this.link.href = `#${encodeURIComponent(name)}`;
    this.link.setAttribute("aria-label", `${name}: show it large`);
    this.view = new View(this.link);
    const caption = this.root.appendChild(make("div", "caption"));
    caption.appendChild(make("h2", "", name));
    this.state = caption.appendChild(make("span", "state"));
    const foot = caption.appendChild(make("div", "caption-foot"));
    this.facts = foot.appendChild(make("span", "facts"));
    const links = foot.appendChild(make("span", "links"));
    this.streamLink = links.appendChild(make("a", "", "Stream"));
    this.snapshotLink = links.appendChild(make("a", "", "Snapshot"));
  }

  update(camera) {
    this.camera = camera;
    this.streamLink.href = camera.stream;
    this.snapshotLink.href = camera.snapshot;
    this.root.title = `${camera.name} (${camera.source})`;
    showState(this.state, camera);
    say(this.facts, facts(camera));
    this.view.check(camera);
    this.view.show(camera);
  }

  /** When the next single picture is due. */
  get stillDueAt() {
    if (!this.stillTriedAt) return 0;
    return this.stillTriedAt + (this.camera.state === "idle" ? STILL_IDLE_MS : STILL_OPEN_MS);
  }
}

function showState(element, camera) {
  const isLate = camera.state === "live" && camera.last_frame_age_seconds > 3;
  element.dataset.state = isLate ? "starting" : camera.state;
  say(element, isLate ? `live, but no picture for ${duration(camera.last_frame_age_seconds)}` : camera.state);
}

const tiles = new Map();
const grid = byId("cameras");
let isOnline = true;

const inView = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const tile = tiles.get(entry.target.dataset.name);
    if (tile) tile.isInView = entry.isIntersecting;
  }
  share();
});

function showCameras(cameras) {
  const names = new Set(cameras.map((camera) => camera.name));
  for (const [name, tile] of tiles) {
    if (names.has(name)) continue;
    inView.unobserve(tile.root);
    tile.view.stop();
    tile.root.remove();
    tiles.delete(name);
  }
  cameras.forEach((camera, place) => {
    let tile = tiles.get(camera.name);
    if (!tile) {
      tile = new Tile(camera.name);
      tile.root.dataset.name = camera.name;
      tiles.set(camera.name, tile);
    }
    // Only what stands elsewhere is moved: moving a tile would take the focus from it.
    if (grid.children[place] !== tile.root) grid.insertBefore(tile.root, grid.children[place] || null);
    tile.update(camera);
    inView.observe(tile.root);
  });
  const n = cameras.length;
  grid.className = n === 1 ? "cameras one" : `cameras several${n === 3 || n === 4 ? " four" : ""}`;
  grid.style.setProperty("--columns", n <= 4 ? 2 : n <= 9 ? 3 : 4);
  const { width, height } = cameras[0] || {};
  grid.style.setProperty("--shape", width && height ? width / height : 16 / 9);
  byId("empty").hidden = n > 0;
  const lost = cameras.filter((camera) => camera.state === "lost").length;
  say(byId("summary"), n === 0 ? "no camera" : count(n, "camera", "cameras") + (lost ? `, ${lost} lost` : ""));
  document.title = (lost ? `(${lost} lost) ` : "") + `Pinhole ${location.hostname}`;
}

function showHealth(health) {
  const link = byId("health");
  link.dataset.state = health.status;
  say(link, `health: ${health.status}`);
  byId("power").hidden = health.system.under_voltage !== true;
  const mistakes = health.system.configuration_errors || [];
  byId("mistakes").hidden = mistakes.length === 0;
  say(byId("mistakes"), ["To correct in pinhole.toml on the card:", ...mistakes].join("\n"));
  const http = count(health.http.connections, "connection", "connections");
  say(byId("foot"), `Pinhole ${health.version} · up for ${duration(health.uptime_seconds)} · ${http}`);
}

/** Gives the connections for streams to the cameras that are seen. */
function share() {
  const isWatched = isOnline && !document.hidden;
  if (large.tile) {
    for (const tile of tiles.values()) tile.view.stop();
    if (isWatched) large.view.stream(large.tile.camera.stream);
    else large.view.stop();
  } else {
    const rank = (tile) => (tile.camera.state === "lost" ? 2 : 0) + (tile.view.isStreaming ? 0 : 1);
    const seen = [...grid.children].map((root) => tiles.get(root.dataset.name)).filter((tile) => tile.isInView);
    const chosen = isWatched ? seen.sort((a, b) => rank(a) - rank(b)).slice(0, STREAMS_MAX) : [];
    // First those that end: their connections are needed.
    for (const tile of tiles.values()) if (!chosen.includes(tile)) tile.view.stop();
    for (const tile of chosen) tile.view.stream(tile.camera.stream);
  }
  showPictures();
  takeStill();
}

function showPictures() {
  for (const tile of tiles.values()) tile.view.show(tile.camera);
  if (large.tile) large.view.show(large.tile.camera);
}

/** Single pictures, one at a time, of the cameras in view that have no stream. */
let still = null;

function takeStill() {
  if (still || !isOnline || document.hidden || large.tile) return;
  const now = Date.now();
  const due = [...tiles.values()]
    .filter((tile) => tile.isInView && !tile.view.isStreaming && tile.camera.state !== "lost" && tile.stillDueAt <= now)
    .sort((a, b) => a.stillTriedAt - b.stillTriedAt);
  if (!due.length) return;
  const tile = due[0];
  const isFirst = tile.view.stillAt === null;
  tile.stillTriedAt = now;
  const image = make("img");
  const done = (gapMs) => {
    clearTimeout(timer);
    closeImage(image);
    setTimeout(() => { still = null; takeStill(); }, gapMs);
  };
  const timer = setTimeout(() => done(STILL_GAP_MS), STILL_TIMEOUT_MS);
  image.onerror = () => done(STILL_GAP_MS);
  image.onload = () => {
    if (!tile.view.isStreaming) tile.view.keep(image, Date.now());
    tile.view.show(tile.camera);
    done(isFirst ? 0 : STILL_GAP_MS);
  };
  still = image;
  image.src = `${tile.camera.snapshot}?n=${now}`;
}

/** One camera over the whole window. The address names it, so that it can be bookmarked. */
const large = { dialog: byId("large"), view: new View(byId("large-picture")), tile: null };

function followAddress() {
  let name = "";
  try {
    name = decodeURIComponent(location.hash.slice(1));
  } catch (error) { /* An address that somebody typed. */ }
  const tile = tiles.get(name) || null;
  if (tile === large.tile) return;
  large.tile = tile;
  large.view.clear();
  if (tile) {
    // What the tile shows is there at once, until the stream is.
    if (tile.view.hasLivePicture) large.view.keep(tile.view.image, Date.now());
    showLarge();
    if (!large.dialog.open) {
      // <dialog> came to Safari in 2022.
      if (large.dialog.showModal) large.dialog.showModal();
      else large.dialog.setAttribute("open", "");
    }
  } else if (large.dialog.open) {
    closeLarge();
  }
  share();
}

function showLarge() {
  const { camera } = large.tile;
  say(byId("large-name"), camera.name);
  showState(byId("large-state"), camera);
  say(byId("large-facts"), facts(camera));
  for (const id of ["large-before", "large-next"]) byId(id).hidden = tiles.size < 2;
  large.view.check(camera);
  large.view.show(camera);
}

function closeLarge() {
  if (large.dialog.close) large.dialog.close();
  else large.dialog.removeAttribute("open");
}

function leaveLarge() {
  if (document.fullscreenElement) document.exitFullscreen();
  const name = large.tile && large.tile.name;
  if (location.hash) history.replaceState(null, "", location.pathname);
  followAddress();
  if (tiles.has(name)) tiles.get(name).link.focus();
}

function stepLarge(by) {
  if (!large.tile) return;
  const roots = [...grid.children];
  const at = roots.indexOf(large.tile.root);
  const next = roots[(at + by + roots.length) % roots.length];
  history.replaceState(null, "", `#${encodeURIComponent(next.dataset.name)}`);
  followAddress();
}

function fillScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else large.dialog.requestFullscreen();
}

byId("large-screen").hidden = !document.fullscreenEnabled;
byId("large-screen").onclick = fillScreen;
byId("large-before").onclick = () => stepLarge(-1);
byId("large-next").onclick = () => stepLarge(1);
byId("large-close").onclick = leaveLarge;
byId("large-picture").ondblclick = fillScreen;
// Esc, where the browser knows <dialog>.
large.dialog.addEventListener("close", () => { if (large.tile) leaveLarge(); });
document.addEventListener("keydown", (event) => {
  if (!large.tile || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "ArrowLeft") stepLarge(-1);
  else if (event.key === "ArrowRight") stepLarge(1);
  else if (event.key === "f" && document.fullscreenEnabled) fillScreen();
  else if (event.key === "Escape" && !large.dialog.showModal) leaveLarge();
});
addEventListener("hashchange", followAddress);

/** Asks the service how the cameras are, again and again while somebody looks. */
const poll = { timer: 0, isRunning: false, failures: 0, uptime: 0, at: Date.now() };

async function ask() {
  clearTimeout(poll.timer);
  if (poll.isRunning || document.hidden) return;
  poll.isRunning = true;
  let next = POLL_MS;
  try {
    // One after the other: two at a time would take two of the six connections.
    const cameras = await getJson("/api/cameras", POLL_TIMEOUT_MS);
    const health = await getJson("/health", POLL_TIMEOUT_MS, 503);
    hear(cameras, health);
    if (cameras.some((camera) => camera.state === "lost" || camera.state === "starting")) next = POLL_SOON_MS;
  } catch (error) {
    poll.failures += 1;
    goOffline();
    next = Math.min(1000 * poll.failures, POLL_RETRY_MAX_MS);
  }
  poll.isRunning = false;
  poll.timer = setTimeout(ask, next);
}

function hear(cameras, health) {
  const now = Date.now();
  const isRestarted = health.uptime_seconds < poll.uptime;
  const hasSlept = now - poll.at > SLEPT_MS;
  poll.uptime = health.uptime_seconds;
  poll.at = now;
  poll.failures = 0;
  isOnline = true;
  byId("offline").hidden = true;
  document.body.classList.remove("offline");
  showCameras(cameras);
  showHealth(health);
  if (isRestarted || hasSlept) {
    for (const tile of tiles.values()) tile.view.restart();
    large.view.restart();
  }
  if (large.tile && tiles.has(large.tile.name)) showLarge();
  followAddress();
  share();
}

function goOffline() {
  isOnline = false;
  say(byId("offline"), OFFLINE_WORDS);
  byId("offline").hidden = false;
  document.body.classList.add("offline");
  const link = byId("health");
  link.dataset.state = "offline";
  say(link, "health: unknown");
  // What was true of the cameras need not be so now. The large view covers the notice above.
  const places = [[byId("large-state"), byId("large-facts")]];
  for (const tile of tiles.values()) places.push([tile.state, tile.facts]);
  for (const [state, facts] of places) {
    state.dataset.state = "offline";
    say(state, "unknown");
    say(facts, "");
  }
  say(byId("large-facts"), OFFLINE_WORDS);
  // Their connections are dead, or all that this browser has are taken: either way they must go.
  share();
}

document.addEventListener("visibilitychange", () => {
  poll.at = Date.now();
  share();
  ask();
});
addEventListener("online", ask);
// Between polls: the first picture of a stream, the age of a still one.
setInterval(() => {
  if (document.hidden) return;
  showPictures();
  takeStill();
}, 500);

say(byId("host"), location.hostname);
ask();
