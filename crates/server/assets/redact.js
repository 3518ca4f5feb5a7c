// The review page of a picture, or of one page of a PDF: boxes are drawn with the pointer, marks released by a click, and each step taken back.
// A mark says what it is while it is pointed at, or its row in the list is, so that labels never lie over each other.
// What counts are the fields of the form; the picture only shows them. Without this script the fields are filled by hand.

const form = document.getElementById("review");
const svg = document.getElementById("marks");
const easel = svg.parentElement;
const drawn = document.getElementById("drawn");
const rows = document.getElementById("rows");
const undo = document.getElementById("undo");
const draw = document.getElementById("draw");
const label = document.getElementById("label");
const lit = { pointed: null, focused: null };
const SIDES = ["left", "top", "width", "height"];
const blank = rows.lastElementChild.cloneNode(true);
const [width, height] = [Number(svg.dataset.width), Number(svg.dataset.height)];

const field = (row, side) => row.querySelector(`input[name=${side}]`);
const ticks = () => [...form.querySelectorAll("input[name=release]")];
const tickOf = (number) => form.querySelector(`input[name=release][value="${number}"]`);
const markOf = (number) => svg.querySelector(`[data-mark="${number}"]`);

/** The boxes that the fields give: rows of four numbers. */
function boxes() {
  return [...rows.children]
    .map((row) => SIDES.map((side) => field(row, side).value))
    .filter((sides) => sides.every((value) => value !== ""))
    .map((sides) => sides.map(Number));
}

function show() {
  for (const tick of ticks()) {
    markOf(tick.value).classList.toggle("released", tick.checked);
  }
  drawn.replaceChildren(...boxes().map(rectangle));
  light();
}

function rectangle([x, y, wide, high]) {
  const rect = document.createElementNS(svg.namespaceURI, "rect");
  for (const [name, value] of Object.entries({ x, y, width: wide, height: high })) rect.setAttribute(name, value);
  return rect;
}

// ---- steps that can be taken back ----

const state = () => ({
  released: ticks().filter((tick) => tick.checked).map((tick) => tick.value),
  rows: [...rows.children].map((row) => SIDES.map((side) => field(row, side).value)),
});
let now = state();
const steps = [];

/** Notes a change that was made. */
function changed() {
  const next = state();
  if (JSON.stringify(next) !== JSON.stringify(now)) steps.push(now);
  now = next;
  undo.disabled = steps.length === 0;
  show();
}

function back() {
  const step = steps.pop();
  if (!step) return;
  for (const tick of ticks()) tick.checked = step.released.includes(tick.value);
  rows.replaceChildren(...step.rows.map(rowOf));
  now = step;
  undo.disabled = steps.length === 0;
  show();
}

// ---- rows ----

function rowOf(values) {
  const row = blank.cloneNode(true);
  SIDES.forEach((side, at) => (field(row, side).value = values[at] ?? ""));
  row.querySelector(".remove").hidden = false;
  return row;
}

/** Puts a box into the first empty row, or a new one. */
function put(values) {
  const empty = [...rows.children].find((row) => SIDES.every((side) => field(row, side).value === ""));
  const row = rowOf(values);
  if (empty) empty.replaceWith(row);
  else rows.append(row);
  return row;
}

rows.addEventListener("click", (event) => {
  const button = event.target.closest(".remove");
  if (!button) return;
  button.closest(".box").remove();
  if (!rows.children.length) rows.append(rowOf([]));
  changed();
});

document.getElementById("add").addEventListener("click", () => {
  const row = put([width / 4, height / 4, width / 2, height / 2].map((side) => Math.max(1, Math.round(side))));
  field(row, "left").focus();
  changed();
});

form.addEventListener("change", changed);
undo.addEventListener("click", back);
form.addEventListener("keydown", (event) => {
  // Within a field the field's own undo is meant.
  const typing = event.target.matches("input[type=number]");
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && !typing) {
    event.preventDefault();
    back();
  }
});

// ---- one mark at a time says what it is ----

/** Shows the mark that is pointed at, else the one whose row has the focus: its box, its row, its label. */
function light() {
  const number = lit.pointed ?? lit.focused;
  for (const old of form.querySelectorAll(".lit")) old.classList.remove("lit");
  label.hidden = number === null;
  if (number === null) return;
  const [mark, tick] = [markOf(number), tickOf(number)];
  mark.classList.add("lit");
  tick.closest("tr").classList.add("lit");
  label.textContent = `${mark.dataset.said} · ${tick.checked ? label.dataset.kept : label.dataset.hidden}`;
  // Above the box, or below where there is no room, and never beyond the picture's edge.
  const [frame, box] = [easel.getBoundingClientRect(), mark.getBoundingClientRect()];
  const most = Math.max(0, frame.width - label.offsetWidth);
  const over = box.top - frame.top - label.offsetHeight - 4;
  label.style.left = `${Math.min(Math.max(0, box.left - frame.left), most)}px`;
  label.style.top = `${over >= 0 ? over : box.bottom - frame.top + 4}px`;
}

/** Brings a row into sight where the list scrolls by itself; the page stays where it is. */
function reveal(number) {
  const [list, row] = [form.querySelector(".list"), tickOf(number).closest("tr")];
  const [frame, place] = [list.getBoundingClientRect(), row.getBoundingClientRect()];
  if (place.top < frame.top) list.scrollTop -= frame.top - place.top;
  if (place.bottom > frame.bottom) list.scrollTop += place.bottom - frame.bottom;
}

form.addEventListener("pointerover", (event) => {
  const mark = event.target.closest("#marks .mark");
  const row = event.target.closest(".list tbody tr");
  const number = mark ? mark.dataset.mark : (row?.querySelector("input[name=release]").value ?? null);
  if (number === lit.pointed) return;
  lit.pointed = number;
  light();
  if (mark) reveal(number);
});
form.addEventListener("pointerleave", () => {
  lit.pointed = null;
  light();
});
for (const name of ["focusin", "focusout"]) {
  form.addEventListener(name, (event) => {
    if (event.target.name !== "release") return;
    lit.focused = name === "focusin" ? event.target.value : null;
    light();
  });
}
form.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  lit.pointed = lit.focused = null;
  light();
});
addEventListener("resize", light);
// The browser's own word would lie beside ours.
for (const title of svg.querySelectorAll("title")) title.remove();

// ---- pages ----

// A key in a field or a choice means that field.
addEventListener("keydown", (event) => {
  const button = { ArrowLeft: "before", ArrowRight: "after" }[event.key];
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
  const typing = event.target.matches?.("input:not([type=checkbox]), select, textarea");
  if (!button || !plain || typing || event.defaultPrevented) return;
  const to = document.getElementById(button);
  if (!to || to.disabled) return;
  event.preventDefault();
  to.click();
});

// ---- the pointer ----

/** Where the pointer is, in pixels of the picture, held within it. */
function at(event) {
  const frame = svg.getBoundingClientRect();
  const held = (value, most) => Math.min(Math.max(value, 0), most);
  return [
    held(((event.clientX - frame.left) / frame.width) * width, width),
    held(((event.clientY - frame.top) / frame.height) * height, height),
  ];
}

/** Whole pixels, the box never smaller than what was drawn. */
function between([ax, ay], [bx, by]) {
  const [left, top] = [Math.floor(Math.min(ax, bx)), Math.floor(Math.min(ay, by))];
  return [left, top, Math.ceil(Math.max(ax, bx)) - left, Math.ceil(Math.max(ay, by)) - top];
}

let drag = null;

svg.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  drag = { from: at(event), x: event.clientX, y: event.clientY, mark: event.target.closest(".mark"), rect: null };
  if (easel.classList.contains("drawing")) svg.setPointerCapture(event.pointerId);
});

svg.addEventListener("pointermove", (event) => {
  if (!drag || !easel.classList.contains("drawing")) return;
  // A hand is never quite still: a click is no box.
  const moved = Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > 4;
  if (!moved && !drag.rect) return;
  const rect = rectangle(between(drag.from, at(event)));
  if (drag.rect) drag.rect.replaceWith(rect);
  else drawn.append(rect);
  drag.rect = rect;
});

svg.addEventListener("pointerup", (event) => {
  if (!drag) return;
  const { from, mark, rect } = drag;
  drag = null;
  if (rect) {
    const box = between(from, at(event));
    if (box[2] > 0 && box[3] > 0) put(box);
    changed();
  } else if (mark) {
    const tick = tickOf(mark.dataset.mark);
    tick.checked = !tick.checked;
    // What a finger touched stays lit, and the space bar takes it back.
    tick.focus({ preventScroll: true });
    changed();
  }
});

svg.addEventListener("pointercancel", () => {
  drag = null;
  show();
});

draw.addEventListener("click", () => drawing(!easel.classList.contains("drawing")));

function drawing(on) {
  easel.classList.toggle("drawing", on);
  draw.setAttribute("aria-pressed", on);
}

form.querySelector(".tools").hidden = false;
document.getElementById("add").hidden = false;
rows.replaceChildren(...now.rows.map(rowOf));
now = state();
// With a finger, moving over the picture scrolls until drawing is asked for.
drawing(matchMedia("(pointer: fine)").matches);
show();
