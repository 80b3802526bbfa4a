
// A browser opens six connections to a host, across all of its windows: up to four are for streams, one is
// for the poll every two seconds, one for single pictures.
const STREAMS_MAX = 4;

/** The interval between two single pictures of any cameras; a camera's first does not wait. */
const STILL_GAP_MS = 1500;
/** With many cameras the interval is shorter: each gets its turn while still open from the last one. */
const STILL_ROUND_MS = 15000;
const STILL_TIMEOUT_MS = 8000;
/** Each camera in view that has no stream gets a new picture this often while it is open, */
const STILL_OPEN_MS = 3000;
/**
 * and this often if the picture has to open it, which then stays open for longer than this (LINGER_STILL
 * in src/limits.rs): it is opened once, not for every picture. Cameras out of view are left alone.
 */
const STILL_IDLE_MS = 10000;

/** Assigns the connections for streams to the cameras in view. */
function share() {
  const isWatched = isOnline && !document.hidden;
  if (large.tile) {
    for (const tile of tiles.values()) tile.view.stop();
    if (isWatched) large.view.stream(streamOf(large.tile.camera));
    else large.view.stop();
  } else {
    const rank = (tile) => (tile.camera.state === "lost" ? 2 : 0) + (tile.view.isStreaming ? 0 : 1);
    const seen = [...grid.children].map((root) => tiles.get(root.dataset.name)).filter((tile) => tile.isInView);
    const chosen = isWatched ? seen.sort((a, b) => rank(a) - rank(b)).slice(0, STREAMS_MAX) : [];
    // Streams that end come first: their connections are needed.
    for (const tile of tiles.values()) if (!chosen.includes(tile)) tile.view.stop();
    for (const tile of chosen) tile.view.stream(streamOf(tile.camera));
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
  const shown = [...tiles.values()]
    .filter((tile) => tile.isInView && !tile.view.isStreaming && tile.camera.state !== "lost");
  const due = shown.filter((tile) => tile.stillDueAt <= now).sort((a, b) => a.stillTriedAt - b.stillTriedAt);
  if (!due.length) return;
  const gap = Math.min(STILL_GAP_MS, STILL_ROUND_MS / shown.length);
  const tile = due[0];
  const isFirst = tile.view.stillAt === null;
  tile.stillTriedAt = now;
  const image = make("img");
  const done = (gapMs) => {
    clearTimeout(timer);
    closeImage(image);
    setTimeout(() => { still = null; takeStill(); }, gapMs);
  };
  const timer = setTimeout(() => done(gap), STILL_TIMEOUT_MS);
  image.onerror = () => done(gap);
  image.onload = () => {
    if (!tile.view.isStreaming) tile.view.keep(image, Date.now());
    tile.view.show(tile.camera);
    done(isFirst ? 0 : gap);
  };
  still = image;
  image.src = `${quietly(snapshotOf(tile.camera))}&n=${now}`;
}
