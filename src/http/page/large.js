
/** One camera over the whole window. The address names it, so that it can be bookmarked. */
const large = { dialog: byId("large"), stage: byId("large-stage"), view: new View(byId("large-picture"), true), tile: null };

function followAddress() {
  let name = "";
  try {
    name = decodeURIComponent(location.hash.slice(1));
  } catch (error) { /* A mistyped address. */ }
  const tile = tiles.get(name) || null;
  if (tile === large.tile) return;
  large.tile = tile;
  large.view.clear();
  if (tile) {
    // Shows the tile's picture at once, until the stream arrives.
    if (tile.view.hasLivePicture) large.view.keep(tile.view.image, Date.now());
    showLarge();
    if (!large.dialog.open) {
      // Safari supports <dialog> since 2022.
      if (large.dialog.showModal) large.dialog.showModal();
      else large.dialog.setAttribute("open", "");
    }
  } else if (large.dialog.open) {
    closeLarge();
  }
  share();
}

/** Writes another camera's name, or none, into the address. */
function setAddress(name) {
  const address = new URL(location.href);
  address.hash = name === null ? "" : encodeURIComponent(name);
  history.replaceState(null, "", address);
  followAddress();
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
  if (screenFilled()) leaveScreen();
  const name = large.tile && large.tile.name;
  setAddress(null);
  if (tiles.has(name)) tiles.get(name).link.focus();
}

function stepLarge(by) {
  if (!large.tile) return;
  const roots = [...grid.children];
  const at = roots.indexOf(large.tile.root);
  setAddress(roots[(at + by + roots.length) % roots.length].dataset.name);
}

// Full screen is requested for the content of the dialog: a <dialog> itself is not allowed
// (https://fullscreen.spec.whatwg.org/#dom-element-requestfullscreen). Safari before 16.4 has the names
// with a prefix, on iPads; iPhones have neither, and show the large view without the button.
const canFillScreen = Boolean(document.fullscreenEnabled || document.webkitFullscreenEnabled);
const screenFilled = () => document.fullscreenElement || document.webkitFullscreenElement || null;
const leaveScreen = () => (document.exitFullscreen || document.webkitExitFullscreen).call(document);

async function fillScreen() {
  if (!canFillScreen) return;
  say(byId("large-refusal"), "");
  if (screenFilled()) {
    leaveScreen();
    return;
  }
  const request = large.stage.requestFullscreen || large.stage.webkitRequestFullscreen;
  try {
    await request.call(large.stage);
  } catch (error) {
    say(byId("large-refusal"), "This browser refuses full screen.");
  }
}

/** The bar covers part of the picture in full screen: it hides some seconds after the last movement. */
const BAR_MS = 3000;
let barTimer = 0;

function showBar() {
  clearTimeout(barTimer);
  large.stage.classList.remove("bare");
  if (screenFilled()) barTimer = setTimeout(() => large.stage.classList.add("bare"), BAR_MS);
}

for (const name of ["fullscreenchange", "webkitfullscreenchange"]) {
  document.addEventListener(name, () => {
    say(byId("large-screen"), screenFilled() ? "Leave full screen" : "Full screen");
    showBar();
  });
}
for (const name of ["pointermove", "pointerdown", "keydown", "focusin"]) large.stage.addEventListener(name, showBar);

byId("large-screen").hidden = !canFillScreen;
byId("large-screen").onclick = fillScreen;
byId("large-before").onclick = () => stepLarge(-1);
byId("large-next").onclick = () => stepLarge(1);
byId("large-close").onclick = leaveLarge;
byId("large-picture").ondblclick = fillScreen;
// Esc, if the browser supports <dialog>. The event comes after the dialog has closed: another camera may be
// shown by then.
large.dialog.addEventListener("close", () => { if (large.tile && !large.dialog.open) leaveLarge(); });
document.addEventListener("keydown", (event) => {
  if (!large.tile || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "ArrowLeft") stepLarge(-1);
  else if (event.key === "ArrowRight") stepLarge(1);
  else if (event.key.toLowerCase() === "f" && !event.repeat) fillScreen();
  else if (event.key === "Escape" && !large.dialog.showModal) leaveLarge();
});
addEventListener("hashchange", followAddress);
