// The painter's page: fingers, pens, mice and keys paint a mask over a picture, and it is sent.

import { MaskLayer } from "./mask.js";
import { PictureView } from "./view.js";

const told = JSON.parse(document.body.dataset.told);
const said = told.said;
const find = (id) => document.getElementById(id);
const stage = find("stage");
const screen = find("view");
const tinted = document.createElement("canvas");
const stripes = striped();
const TINT = 0.6;
const SECOND_FINGER = 250; // milliseconds in which it makes a stroke a pinch
const kept = `mask ${location.pathname}`;
const opened = performance.now();
const watching = new ResizeObserver(measure);

let picture = null;
let mask = null;
let view = null;
let tool = "brush";
let size = 40;
let cursor = null; // where the brush hovers, in the picture
let drawing = null; // the pointer that paints: {id, since}
let panning = null; // {id, x, y}
let over = false;
let asked = 0; // for a frame
const fingers = new Map(); // id -> [x, y], of touches

// -- what is seen ---------------------------------------------------------------------------

function show() {
  asked ||= requestAnimationFrame(paint);
}

function paint() {
  asked = 0;
  const dots = window.devicePixelRatio || 1;
  const pen = screen.getContext("2d");
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, screen.width, screen.height);
  const { scale, left, top } = view;
  pen.setTransform(dots * scale, 0, 0, dots * scale, dots * left, dots * top);
  pen.imageSmoothingEnabled = scale * dots < 3;
  pen.drawImage(picture, 0, 0, mask.width, mask.height);
  tint(dots);
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.globalAlpha = TINT;
  pen.drawImage(tinted, 0, 0);
  pen.globalAlpha = 1;
  pen.setTransform(dots * scale, 0, 0, dots * scale, dots * left, dots * top);
  if (cursor && tool !== "hand") ring(pen, scale);
  stage.dataset.view = [scale, left, top].map((n) => n.toFixed(4)).join(" ");
}

// The mask as it lies in the window, striped: plain red is not seen on a red flower.
function tint(dots) {
  const pen = tinted.getContext("2d");
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.globalCompositeOperation = "copy";
  pen.setTransform(dots * view.scale, 0, 0, dots * view.scale, dots * view.left, dots * view.top);
  pen.drawImage(mask.layer, 0, 0);
  pen.globalCompositeOperation = "source-atop";
  pen.setTransform(dots, 0, 0, dots, 0, 0);
  pen.fillStyle = stripes;
  pen.fillRect(0, 0, view.box.width, view.box.height);
}

function striped() {
  const tile = Object.assign(document.createElement("canvas"), { width: 10, height: 10 });
  const pen = tile.getContext("2d");
  pen.strokeStyle = "rgb(255 255 255 / 45%)";
  pen.lineWidth = 2.2;
  for (const at of [-5, 5, 15]) {
    pen.beginPath();
    pen.moveTo(at - 2, 12);
    pen.lineTo(at + 12, -2);
    pen.stroke();
  }
  return pen.createPattern(tile, "repeat");
}

function ring(pen, scale) {
  pen.beginPath();
  pen.arc(cursor[0], cursor[1], size / 2, 0, 2 * Math.PI);
  for (const [colour, width] of [["rgb(0 0 0 / 70%)", 3], ["#fff", 1.5]]) {
    pen.strokeStyle = colour;
    pen.lineWidth = width / scale;
    pen.stroke();
  }
}

function measure() {
  const box = stage.getBoundingClientRect();
  const dots = window.devicePixelRatio || 1;
  screen.width = tinted.width = Math.round(box.width * dots);
  screen.height = tinted.height = Math.round(box.height * dots);
  view.resize(box.width, box.height);
  tellZoom();
}

function tellZoom() {
  find("zoom").textContent = said.zoom.replace("{n}", Math.round(view.scale * 100));
  show();
}

function tellState() {
  find("undo").disabled = over || !mask.deeds.length;
  find("redo").disabled = over || !mask.undone.length;
  find("clear").disabled = over || !mask.deeds.length;
  find("use").disabled = over || !mask.deeds.length;
  show();
}

function tell(text, refused = false) {
  const line = find("said");
  line.textContent = text;
  line.classList.toggle("refused", refused);
}

// -- what is done ---------------------------------------------------------------------------

function changed() {
  tellState();
  find("hint").hidden = true;
  const share = mask.share();
  tell(mask.deeds.length ? said.painted.replace("{n}", percent(share)) : "");
  try {
    sessionStorage.setItem(kept, JSON.stringify(mask.deeds));
  } catch {
    // Too much to be kept, or nothing may be: it is for a reload only.
  }
}

function percent(share) {
  return share > 0 && share < 0.01 ? "<1" : Math.round(share * 100);
}

function take(name) {
  tool = name;
  for (const each of ["brush", "eraser", "hand"]) {
    find(each).setAttribute("aria-pressed", String(each === name));
  }
  stage.classList.toggle("moves", name === "hand");
  show();
}

// The slider goes from 1 to 100, its sizes from a dot to a third of the picture, finely at first.
function resizeBrush(step) {
  const slider = find("size");
  slider.value = String(Math.min(100, Math.max(1, step)));
  const share = Number(slider.value) / 100;
  size = Math.max(1, Math.round(share * share * 0.35 * Math.min(mask.width, mask.height)));
  find("size-said").textContent = said.size.replace("{n}", size);
  slider.setAttribute("aria-valuetext", find("size-said").textContent);
  show();
}

const deeds = {
  undo: () => mask.undo(),
  redo: () => mask.redo(),
  invert: () => mask.invert(),
  clear: () => mask.clear(),
};

function act(name) {
  if (over || find(name).disabled) return;
  deeds[name]();
  changed();
}

const zooms = {
  "zoom-in": () => view.zoom(1.5),
  "zoom-out": () => view.zoom(1 / 1.5),
  "zoom-fit": () => view.fit(),
};

function zoom(name) {
  zooms[name]();
  tellZoom();
}

// -- fingers, pens and mice -----------------------------------------------------------------

function place(event) {
  const box = stage.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

function down(event) {
  if (over || event.target.closest(".zooms")) return;
  event.preventDefault();
  stage.focus({ preventScroll: true });
  stage.classList.add("touched"); // the frame is for those who come by keys
  capture(event.pointerId);
  const [x, y] = place(event);
  if (event.pointerType === "touch") {
    fingers.set(event.pointerId, [x, y]);
    if (drawing && drawing.kind !== "touch") return; // a hand that rests beside the pen
    if (fingers.size > 1) return pinchBegins();
  }
  if (tool === "hand" || event.button === 1) {
    panning = { id: event.pointerId, x, y };
    stage.classList.add("moving");
    return;
  }
  if (event.button !== 0 && !(event.buttons & 32)) return;
  if (drawing) return;
  const erase = tool === "eraser" || Boolean(event.buttons & 32); // a pen's other end
  drawing = { id: event.pointerId, kind: event.pointerType, since: performance.now() };
  mask.begin(...view.at(x, y), size, erase);
  cursor = view.at(x, y);
  show();
}

function pinchBegins() {
  if (drawing) {
    // The first finger was there for a moment: it meant no stroke.
    if (performance.now() - drawing.since < SECOND_FINGER) mask.forget();
    else mask.end();
    drawing = null;
    changed();
  }
  panning = null;
  cursor = null;
}

function move(event) {
  const [x, y] = place(event);
  if (fingers.has(event.pointerId)) {
    const before = [...fingers.values()];
    fingers.set(event.pointerId, [x, y]);
    if (before.length > 1 && !drawing) return pinch(before, [...fingers.values()]);
  }
  if (panning?.id === event.pointerId) {
    view.move(x - panning.x, y - panning.y);
    panning = { id: event.pointerId, x, y };
    return show();
  }
  if (drawing?.id === event.pointerId) {
    const steps = event.getCoalescedEvents?.() ?? [];
    for (const step of steps.length ? steps : [event]) mask.go(...view.at(...place(step)));
  }
  cursor = event.pointerType === "touch" && !drawing ? null : view.at(x, y);
  show();
}

function pinch([a, b], [c, d]) {
  const middle = (p, q) => [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2];
  const apart = (p, q) => Math.hypot(p[0] - q[0], p[1] - q[1]);
  const [from, to] = [middle(a, b), middle(c, d)];
  view.move(to[0] - from[0], to[1] - from[1]);
  if (apart(a, b) > 10) view.zoom(apart(c, d) / apart(a, b), ...to);
  tellZoom();
}

function up(event) {
  fingers.delete(event.pointerId);
  if (panning?.id === event.pointerId) {
    panning = null;
    stage.classList.remove("moving");
  }
  if (drawing?.id === event.pointerId) {
    if (event.type === "pointercancel" && drawing.kind === "touch") mask.forget();
    else mask.end();
    drawing = null;
    changed();
  }
  if (event.pointerType === "touch") cursor = null;
  show();
}

function capture(id) {
  try {
    stage.setPointerCapture(id);
  } catch {
    // It is gone already.
  }
}

function wheel(event) {
  event.preventDefault();
  const lines = event.deltaMode === 1 ? 16 : 1;
  if (event.shiftKey) view.move(-event.deltaY * lines, 0);
  else view.zoom(Math.exp((-event.deltaY * lines) / 400), ...place(event));
  tellZoom();
}

// -- keys -----------------------------------------------------------------------------------

const keys = {
  b: () => take("brush"),
  e: () => take("eraser"),
  h: () => take("hand"),
  i: () => act("invert"),
  x: () => act("clear"),
  "[": () => resizeBrush(Number(find("size").value) - 4),
  "]": () => resizeBrush(Number(find("size").value) + 4),
  "+": () => zoom("zoom-in"),
  "=": () => zoom("zoom-in"),
  "-": () => zoom("zoom-out"),
  0: () => zoom("zoom-fit"),
};
const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function key(event) {
  stage.classList.remove("touched");
  if (event.target.id === "words" || event.altKey) return;
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.metaKey) {
    const deed = name === "y" || (name === "z" && event.shiftKey) ? "redo" : "undo";
    if (name !== "z" && name !== "y") return;
    event.preventDefault();
    return act(deed);
  }
  if (event.target === stage && (name in arrows || name === " ")) {
    event.preventDefault();
    return stampOrMove(name);
  }
  if (event.target.id !== "size") keys[name]?.();
}

function stampOrMove(name) {
  cursor ??= [mask.width / 2, mask.height / 2];
  if (name === " ") {
    if (over || tool === "hand") return;
    mask.begin(...cursor, size, tool === "eraser");
    mask.end();
    return changed();
  }
  const step = Math.max(1, size / 3);
  const within = (n, most) => Math.min(most, Math.max(0, n));
  cursor = [
    within(cursor[0] + arrows[name][0] * step, mask.width),
    within(cursor[1] + arrows[name][1] * step, mask.height),
  ];
  show();
}

// -- sending --------------------------------------------------------------------------------

async function send(event) {
  event.preventDefault();
  if (over || find("use").disabled) return;
  const { count, blob } = await mask.png();
  if (!count) return tell(said.empty, true);
  if (count === mask.width * mask.height) return tell(said.full, true);
  find("use").disabled = true;
  tell(said.sending);
  try {
    const answer = await fetch(location.pathname, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ mask: await base64(blob), words: find("words").value }),
      credentials: "omit",
    });
    heard(answer.ok, await answer.json());
  } catch {
    find("use").disabled = false;
    tell(said.offline, true);
  }
}

function heard(well, answer) {
  if (well) return finish(answer);
  if (answer.over) end();
  else find("use").disabled = false;
  tell(answer.said, true);
}

function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.split(",")[1]);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

function finish(answer) {
  sessionStorage.removeItem(kept);
  watching.disconnect();
  over = true;
  const page = find("painter");
  page.className = "notice";
  page.replaceChildren(find("done").content.cloneNode(true));
  page.querySelector("p.text").textContent = answer.said;
  page.querySelector("a").href = answer.back;
  page.querySelector("h1").focus();
}

function end() {
  over = true;
  for (const each of document.querySelectorAll(".tools button, .tools input, #use, #words")) {
    each.disabled = true;
  }
}

function countDown() {
  const left = told.seconds - (performance.now() - opened) / 1000;
  if (over) return;
  const line = find("left");
  line.textContent = said.minutes.replace("{n}", Math.max(0, Math.ceil(left / 60)));
  line.classList.toggle("soon", left < 120);
  if (left > 0) return;
  end();
  tell(said.over, true);
}

// -- the beginning --------------------------------------------------------------------------

function listen() {
  stage.addEventListener("pointerdown", down);
  stage.addEventListener("pointermove", move);
  stage.addEventListener("pointerup", up);
  stage.addEventListener("pointercancel", up);
  stage.addEventListener("pointerleave", () => {
    if (!drawing) cursor = null;
    show();
  });
  stage.addEventListener("wheel", wheel, { passive: false });
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  document.addEventListener("keydown", key);
  for (const name of ["brush", "eraser", "hand"]) find(name).onclick = () => take(name);
  for (const name of Object.keys(deeds)) find(name).onclick = () => act(name);
  for (const name of Object.keys(zooms)) find(name).onclick = () => zoom(name);
  find("size").oninput = (event) => resizeBrush(Number(event.target.value));
  find("send").onsubmit = send;
  watching.observe(stage);
  setInterval(countDown, 5000);
}

// What was typed in Discord already stands behind the "#", which no server is told.
function takeWords() {
  const words = new URLSearchParams(location.hash.slice(1)).get("words");
  if (!words) return;
  find("words").value = words;
  history.replaceState(null, "", location.pathname);
}

function restored() {
  try {
    const deedsBefore = JSON.parse(sessionStorage.getItem(kept) ?? "[]");
    if (Array.isArray(deedsBefore) && deedsBefore.length) mask.restore(deedsBefore);
  } catch {
    // Nothing was kept, or what was is no mask.
  }
}

async function begin() {
  picture = new Image();
  picture.src = told.picture;
  try {
    await picture.decode();
  } catch {
    return tell(said.lost, true);
  }
  mask = new MaskLayer(picture.naturalWidth, picture.naturalHeight);
  view = new PictureView(mask.width, mask.height);
  takeWords();
  restored();
  measure();
  resizeBrush(Number(find("size").value));
  listen();
  countDown();
  if (mask.deeds.length) changed();
  else tellState();
  stage.dataset.ready = "yes";
}

begin();
