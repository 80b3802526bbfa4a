
/** A stream that ended is reopened after this long, doubled with each failure. */
const REOPEN_MIN_MS = 1000;
const REOPEN_MAX_MS = 15000;
/** If a live camera's picture does not change for this long, its connection counts as dead. */
const STALL_MIN_MS = 10000;
/** A picture that really is still (a covered lens) costs at most one new connection in this time. */
const STALL_MAX_MS = 300000;
/** Within this time, the service counts a new stream as a viewer. */
const COUNTED_MS = 5000;

/** A picture older than this is shown as old. */
const OLD_MS = 15000;
const STILL_WIDTH_MAX = 1280;

/** An empty GIF. Only another source makes every browser close a stream's connection. */
const BLANK = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";

/** Every stream has its own URL: browsers share the pictures (and the end) of equal URLs. */
let streamNumber = Date.now();

/** Detects changes of a picture, using a small copy. */
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

/** One camera's picture: a stream, on top of the last picture before it. */
class View {
  /** `saysWhy` if the box has room for a lost camera's reason. */
  constructor(box, saysWhy) {
    this.box = box;
    this.saysWhy = saysWhy;
    this.still = box.appendChild(make("canvas"));
    this.badge = box.appendChild(make("span", "badge"));
    this.cover = box.appendChild(make("span", "cover"));
    this.coverTitle = this.cover.appendChild(make("strong"));
    this.coverText = this.cover.appendChild(make("span"));
    this.url = null;
    this.image = null;
    this.clear();
  }

  /** Forgets the previous picture. */
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

  /** Streams from now on, and reconnects as needed. */
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

  /** Replaces a connection that may be dead. */
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
    image.src = `${quietly(this.url)}&n=${streamNumber}`;
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

  /** Shows a current picture while there is no stream. */
  keep(image, moment) {
    if (!image.naturalWidth) return;
    const scale = Math.min(1, STILL_WIDTH_MAX / image.naturalWidth);
    this.still.width = Math.round(image.naturalWidth * scale);
    this.still.height = Math.round(image.naturalHeight * scale);
    this.still.getContext("2d").drawImage(image, 0, 0, this.still.width, this.still.height);
    this.stillAt = moment;
  }

  /** Detects a connection that died silently. */
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

  /** Shows the state in words. */
  show(camera) {
    const isLive = this.hasLivePicture;
    const isLost = camera.state === "lost";
    const isWaiting = !isLost && !isLive && this.stillAt === null;
    const age = this.stillAt === null ? 0 : Date.now() - this.stillAt;
    this.cover.hidden = !isLost && !isWaiting;
    this.cover.className = isLost ? "cover lost" : "cover waiting";
    say(this.coverTitle, isLost ? "No picture" : "Waiting for a picture");
    say(this.coverText, this.saysWhy ? sentence(camera.reason || "") : "");
    // A scrollable box must be reachable by keyboard.
    if (this.cover.scrollHeight > this.cover.clientHeight) this.cover.tabIndex = 0;
    else this.cover.removeAttribute("tabindex");
    this.badge.hidden = isLost || isLive || isWaiting;
    say(this.badge, age < 1000 ? "still picture" : `still picture, ${duration(age / 1000)} old`);
    this.box.classList.toggle("old", !isLive && age > OLD_MS);
    this.box.dataset.picture = isLost ? "lost" : isLive ? "live" : isWaiting ? "none" : "still";
  }
}
