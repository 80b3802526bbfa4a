
/** A camera's place on the page. */
class Tile {
  constructor(name) {
    this.name = name;
    this.isInView = false;
    this.stillTriedAt = 0;
    this.root = make("article", "camera");
    this.link = this.root.appendChild(make("a", "picture"));
    this.link.href = `#${encodeURIComponent(name)}`;
    // With the picture's own text ("No picture"), this is the link's name.
    this.link.appendChild(make("span", "unseen", `Enlarge ${name}`));
    this.view = new View(this.link, false);
    const caption = this.root.appendChild(make("div", "caption"));
    const head = caption.appendChild(make("div", "caption-head"));
    head.appendChild(make("h2", "", name));
    this.state = head.appendChild(make("span", "state"));
    // Below the picture, which may be too small for it.
    this.reason = caption.appendChild(make("p", "reason"));
    const foot = caption.appendChild(make("div", "caption-foot"));
    this.facts = foot.appendChild(make("span", "facts"));
    const links = foot.appendChild(make("span", "links"));
    this.streamLink = links.appendChild(make("a", "", "Stream"));
    this.streamLink.target = "_blank";
    this.streamLink.rel = "noopener";
    this.streamLink.title = "The live picture alone, in a new tab";
    this.streamLink.setAttribute("aria-label", `Stream of ${name} in a new tab`);
    this.snapshotLink = links.appendChild(make("a", "", "Snapshot"));
    this.snapshotLink.download = `${name}.jpg`;
    this.snapshotLink.title = "Save one picture";
    this.snapshotLink.setAttribute("aria-label", `Snapshot of ${name}: save one picture`);
  }

  update(camera) {
    this.camera = camera;
    this.streamLink.href = streamOf(camera);
    this.snapshotLink.href = snapshotOf(camera);
    this.root.title = `${camera.name} (${camera.source})`;
    showState(this.state, camera);
    say(this.reason, sentence(camera.reason || ""));
    this.reason.className = camera.state === "lost" ? "reason" : "reason waiting";
    this.reason.hidden = this.reason.textContent === "";
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
    // A moved tile loses the focus, so only those in the wrong place are moved.
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
  // Without a camera, the text in the middle of the page says so.
  say(byId("summary"), n === 0 ? "" : count(n, "camera", "cameras") + (lost ? `, ${lost} lost` : ""));
  document.title = (lost ? `(${lost} lost) ` : "") + `Pinhole ${location.hostname}`;
}

function showHealth(health) {
  const link = byId("health");
  // A missing camera is not a failure.
  const word = health.cameras.length ? health.status : "no camera";
  link.dataset.state = word;
  say(link, `health: ${word}`);
  byId("power").hidden = health.system.under_voltage !== true;
  const mistakes = health.system.configuration_errors || [];
  byId("mistakes").hidden = mistakes.length === 0;
  const where = health.system.image_version === null ? "" : " on the card";
  say(byId("mistakes"), [`Correct these lines of pinhole.toml${where}:`, ...mistakes].join("\n"));
  const http = count(health.http.connections, "connection", "connections");
  say(byId("foot"), `Pinhole ${health.version} · up for ${duration(health.uptime_seconds)} · ${http}`);
}
