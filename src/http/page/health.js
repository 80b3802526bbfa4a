
const REFRESH_MS = 3000;
const TIMEOUT_MS = 8000;
const RETRY_MAX_MS = 10000;

/** Most boards throttle from here on. */
const HOT_CELSIUS = 80;

const isKnown = (value) => value !== null && value !== undefined;

function megabytes(bytes) {
  const mib = bytes / 1048576;
  return mib < 1024 ? `${mib.toFixed(mib < 100 ? 1 : 0)} MiB` : `${(mib / 1024).toFixed(1)} GiB`;
}

/** Names and values; a value is null if unknown, or [text, whether it is an alarm]. */
function fill(list, values) {
  list.replaceChildren();
  for (const [name, value] of values) {
    list.appendChild(make("dt", "", name));
    const [text, isAlarm] = Array.isArray(value) ? value : [value, false];
    if (isKnown(text)) list.appendChild(make("dd", isAlarm ? "alarm" : "", text));
    else list.appendChild(make("dd", "unknown", "unknown"));
  }
}

const when = (value, text) => (isKnown(value) ? text(value) : null);

function fillMachine(system) {
  const mistakes = system.configuration_errors;
  const memory = isKnown(system.memory_available_bytes) && isKnown(system.memory_total_bytes)
    ? `${megabytes(system.memory_available_bytes)} free of ${megabytes(system.memory_total_bytes)}` : null;
  fill(byId("machine"), [
    ["Model", system.model],
    ["Processor", when(system.cpu_percent, (percent) => `${percent.toFixed(1)} % busy`)],
    ["Load, 1 minute", when(system.load_1m, (load) => load.toFixed(2))],
    ["Memory", memory],
    ["Temperature", when(system.temperature_celsius, (t) => [`${t.toFixed(1)} °C`, t >= HOT_CELSIUS])],
    ["Power supply", when(system.under_voltage, (low) => (low ? ["too weak (under-voltage)", true] : "sufficient"))],
    ["Clock", when(system.clock_synchronised, (set) => (set ? "set from the network" : ["not yet set from the network", true]))],
    // On a card with Pinhole's own system.
    ...(isKnown(mistakes) ? [
      ["Image version", system.image_version],
      ["Boot slot", system.boot_slot],
      ["pinhole.toml", mistakes.length ? [mistakes.join("\n"), true] : "no mistakes"],
    ] : []),
  ]);
}

function fillService(health) {
  const { http, system } = health;
  fill(byId("service"), [
    ["Version", health.version],
    ["Up for", duration(health.uptime_seconds)],
    ["Memory used", when(system.resident_bytes, megabytes)],
    ["Connections", `${http.connections} of at most ${http.connections_max}`],
    ["Connections refused", when(http.connections_refused_total, (n) => [String(n), n > 0])],
    ["Sent", megabytes(http.bytes_sent_total)],
  ]);
}

function cameraRow(camera) {
  const row = make("div", "row");
  const head = row.appendChild(make("div", "row-head"));
  const state = head.appendChild(make("span", "state", camera.state));
  state.dataset.state = camera.state;
  head.appendChild(make("strong", "", camera.name));
  head.appendChild(make("span", "facts", facts(camera)));
  row.appendChild(make("p", "source", camera.source));
  if (camera.reason) row.appendChild(make("p", camera.state === "lost" ? "reason" : "reason waiting", sentence(camera.reason)));
  const latency = camera.latency_ms.p50;
  row.appendChild(make("p", "facts", [
    camera.format || "format unknown",
    count(camera.frames_total, "picture", "pictures"),
    `${camera.frames_bad_total} damaged`,
    `${camera.frames_dropped_total} skipped`,
    count(camera.reconnects_total, "reconnect", "reconnects"),
    isKnown(latency) ? `latency ${latency.toFixed(1)} ms (99 % within ${camera.latency_ms.p99.toFixed(1)} ms)` : "latency unknown",
  ].join(" · ")));
  return row;
}

function explain(health) {
  const n = health.cameras.length;
  if (n === 0) return "Plug in a USB camera: Pinhole finds it within a few seconds.";
  const lost = health.cameras.filter((camera) => camera.state === "lost").length;
  if (lost === 0) return n === 1 ? "The camera is live, or opens when somebody watches." : `All ${n} cameras are live, or open when somebody watches.`;
  if (n === 1) return "The camera gives no picture.";
  if (lost === n) return `None of the ${n} cameras gives a picture.`;
  return `${lost} of ${n} cameras ${lost === 1 ? "gives" : "give"} no picture.`;
}

function show(health) {
  // A missing camera is not a failure.
  const word = health.cameras.length ? health.status : "no camera";
  byId("verdict").dataset.state = word;
  say(byId("status"), word === "ok" ? "OK" : sentence(word));
  say(byId("explanation"), explain(health));
  const rows = health.cameras.map(cameraRow);
  byId("cameras").replaceChildren(...(rows.length ? rows : [make("p", "facts", "No camera found.")]));
  fillMachine(health.system);
  fillService(health);
  byId("verdict").hidden = byId("report").hidden = false;
}

let timer = 0;
let failures = 0;
let isAsking = false;
let reason = null;

const isHealth = (value) => Array.isArray(value.cameras) && Boolean(value.system && value.http);

async function ask() {
  clearTimeout(timer);
  if (isAsking || document.hidden) return;
  isAsking = true;
  try {
    const options = { timeoutMs: TIMEOUT_MS, alsoFine: 503, isRight: isHealth };
    // The page's own address is also the report's, whatever a proxy calls it.
    const address = location.origin + location.pathname;
    show(await getJson(address, { ...options, credentials: credentialsAfter(reason) }));
    [failures, reason] = [0, null];
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    failures += 1;
    reason = error;
  } finally {
    isAsking = false;
    showNoAnswer(reason);
    timer = setTimeout(ask, failures ? Math.min(1000 * failures, RETRY_MAX_MS) : REFRESH_MS);
  }
}

document.addEventListener("visibilitychange", ask);
say(byId("host"), location.hostname);
ask();
