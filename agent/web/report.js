"use strict";
// Steps are articles of which one is shown; pictures are data in script elements, decoded when a step needs them.
const KEPT = 12;                                        // decoded pictures that are held
const sections = [...document.querySelectorAll("section.run")];
const steps = [...document.querySelectorAll("article.step")];
const ticks = new Map([...document.querySelectorAll(".tick")].map((tick) => [tick.hash.slice(1), tick]));
const tolerance = Number(document.body.dataset.quality) === 100 ? 0 : 48;   // of one color channel
const kept = new Map();
let shown = null;
let turn = 0;

const parsed = new Promise((done) => {
  if (document.readyState !== "loading") done();
  else addEventListener("DOMContentLoaded", done);
});

async function place(id) {                              // its text is whole once something follows it
  const found = () => document.getElementById(`picture-${id}`);
  if (!found()?.nextElementSibling) await parsed;
  return found();
}

function blank(width, height) {
  return Object.assign(document.createElement("canvas"), { width, height });
}

async function decode(id) {
  const { dataset: data, textContent } = await place(id);
  const image = new Image();
  image.src = `data:${data.type};base64,${textContent}`;
  await image.decode();
  if (data.base === undefined) return image;
  const whole = blank(Number(data.width), Number(data.height));
  const pen = whole.getContext("2d");
  pen.drawImage(await picture(data.base), 0, 0);
  pen.drawImage(image, Number(data.x), Number(data.y));
  return whole;
}

function picture(id) {
  const found = kept.get(id) ?? decode(id);
  kept.delete(id);
  kept.set(id, found);
  while (kept.size > KEPT) kept.delete(kept.keys().next().value);
  return found;
}

function pixels(image, width, height) {
  const canvas = blank(width, height);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(image, 0, 0);
  return pen.getImageData(0, 0, width, height);
}

function differ(one, other, canvas, output) {
  const width = other.naturalWidth || other.width, height = other.naturalHeight || other.height;
  if ((one.naturalWidth || one.width) !== width || (one.naturalHeight || one.height) !== height) {
    output.textContent = "the pictures have different sizes";
    return;
  }
  const a = pixels(one, width, height).data, result = pixels(other, width, height), b = result.data;
  let count = 0, left = width, top = height, right = -1, bottom = -1;
  for (let at = 0, n = 0; at < b.length; at += 4, n += 1) {
    if (Math.abs(a[at] - b[at]) > tolerance || Math.abs(a[at + 1] - b[at + 1]) > tolerance
        || Math.abs(a[at + 2] - b[at + 2]) > tolerance) {
      const x = n % width, y = (n - x) / width;
      count += 1;
      left = Math.min(left, x); right = Math.max(right, x); top = Math.min(top, y); bottom = y;
      const light = (b[at] + b[at + 1] + b[at + 2]) / 765;        // words stay readable in it
      b[at] = 150 + 90 * light; b[at + 1] = 150 * light; b[at + 2] = 70 + 110 * light;
    } else {                                            // what stayed is faint and grey
      b[at] = b[at + 1] = b[at + 2] = 190 + (b[at] + b[at + 1] + b[at + 2]) / 12;
    }
  }
  const pen = canvas.getContext("2d");
  pen.putImageData(result, 0, 0);
  if (count) {
    pen.strokeStyle = "#1f5fd0";
    pen.lineWidth = Math.max(1, width / 400);
    pen.strokeRect(left - 2, top - 2, right - left + 5, bottom - top + 5);
  }
  output.textContent = count ? `${count} pixels within (${left}, ${top}, ${right + 1}, ${bottom + 1})` : "no pixel";
}

async function fill(canvas) {
  const { picture: id, left, right, width, height } = canvas.dataset;
  const images = await Promise.all(id === undefined ? [picture(left), picture(right)] : [picture(id)]);
  if (!canvas.checkVisibility()) return;                // the reader went on meanwhile
  canvas.width = Number(width);
  canvas.height = Number(height);
  if (id === undefined) differ(...images, canvas, canvas.closest("figure").querySelector("output"));
  else canvas.getContext("2d").drawImage(images[0], 0, 0);
  canvas.dataset.drawn = "";
}

function slide(figure) {
  const canvas = figure.querySelectorAll("canvas")[1], share = figure.querySelector("input").value;
  if (canvas) canvas.style.clipPath = `inset(0 ${100 - share}% 0 0)`;
}

function arrange(article) {                             // which figures of a step its mode shows
  const mode = document.body.dataset.mode, stage = article.querySelector(".stage");
  const wanted = stage.querySelector(`.${mode}`) ? [mode] : ["before", "after"];
  for (const figure of stage.querySelectorAll("figure")) {
    figure.hidden = !wanted.some((name) => figure.classList.contains(name));
  }
}

async function draw(article) {
  const mine = (turn += 1);
  arrange(article);
  for (const canvas of article.querySelectorAll("canvas")) {
    const { width, height, shown: widest } = canvas.dataset;
    canvas.style.aspectRatio = `${width} / ${height}`;
    canvas.parentElement.style.maxWidth = `${widest}px`;
    canvas.classList.toggle("small", Number(widest) > Number(width));
  }
  article.querySelectorAll(".slider").forEach(slide);
  const open = [...article.querySelectorAll("canvas")].filter((each) => each.checkVisibility() && !("drawn" in each.dataset));
  await Promise.all(open.map(fill));
  if (mine === turn) ahead(article);
}

function ahead(article) {                               // what the next key will need
  const next = steps[steps.indexOf(article) + 1];
  next?.querySelectorAll("[data-picture]").forEach((canvas) => picture(canvas.dataset.picture));
}

function leave(article) {
  article.hidden = true;
  for (const canvas of article.querySelectorAll("canvas")) {
    canvas.width = canvas.height = 0;                   // lets go of its memory
    delete canvas.dataset.drawn;
  }
}

function show(article, { focus = true, address = true } = {}) {
  if (!article) return;
  if (shown && shown !== article) leave(shown);
  shown = article;
  const run = article.closest("section");
  for (const section of sections) section.hidden = section !== run;
  article.hidden = false;
  for (const [id, tick] of ticks) {
    const here = id === article.id;
    tick.tabIndex = here ? 0 : -1;
    if (here) tick.setAttribute("aria-current", "step");
    else tick.removeAttribute("aria-current");
  }
  follow(ticks.get(article.id));
  const own = steps.filter((each) => each.closest("section") === run);
  document.getElementById("where").textContent = `${own.indexOf(article) + 1} / ${own.length}`;
  if (address) history.replaceState(null, "", `#${article.id}`);
  if (focus) article.focus({ preventScroll: true });
  draw(article);
}

function follow(tick) {                                 // keeps the strip around the current step
  const strip = tick?.closest(".strip");
  if (strip) strip.scrollLeft = tick.offsetLeft - strip.clientWidth / 2;
}

function go(way) {
  const at = steps.indexOf(shown) + way;
  show(steps[Math.max(0, Math.min(steps.length - 1, at))]);
}

function seek(way) {                                    // the next step with a mark
  for (let at = steps.indexOf(shown) + way; steps[at]; at += way) {
    if (steps[at].classList.contains("marked")) return show(steps[at]);
  }
}

function choose(mode) {
  const now = document.body.dataset.mode === mode ? "both" : mode;
  document.body.dataset.mode = now;
  for (const button of document.querySelectorAll("button[data-mode]")) {
    button.setAttribute("aria-pressed", String(button.dataset.mode === now));
  }
  if (shown) draw(shown);
}

function dress() {                                      // system, light, dark, and round again
  const root = document.documentElement, themes = [undefined, "light", "dark"];
  const next = themes[(themes.indexOf(root.dataset.theme) + 1) % 3];
  if (next) root.dataset.theme = next;
  else delete root.dataset.theme;
  document.getElementById("theme").textContent = `◐ ${next ?? "system"}`;
}

function explain() {
  const keys = document.getElementById("keys");
  if (keys.open) keys.close();
  else keys.showModal();
}

function address() {                                    // the step, or the run, that the address names
  const named = document.getElementById(location.hash.slice(1));
  if (named?.matches("article.step")) return named;
  return named?.matches("section.run") ? named.querySelector("article.step") ?? named : null;
}

function visit(options) {
  const named = address();
  if (!named?.matches("section.run")) return show(named ?? (shown ? null : steps[0]), options);
  if (shown) leave(shown);                              // a run without a step
  shown = null;
  for (const section of sections) section.hidden = section !== named;
}

const KEYS = {
  ArrowRight: () => go(1), j: () => go(1), ArrowLeft: () => go(-1), k: () => go(-1),
  Home: () => go(-Infinity), End: () => go(Infinity), n: () => seek(1), p: () => seek(-1),
  d: () => choose("difference"), s: () => choose("slider"),
  1: () => choose("both"), 2: () => choose("before"), 3: () => choose("after"), t: dress, "?": explain,
};

addEventListener("keydown", (event) => {
  const { key, ctrlKey, metaKey, altKey, target } = event;
  if (ctrlKey || metaKey || altKey || !Object.hasOwn(KEYS, key)) return;
  if (target.matches("input") && key.length > 1) return;            // the slider has its own arrows
  if (document.getElementById("keys").open && key !== "?") return;
  event.preventDefault();
  KEYS[key]();
});
addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.go) go(Number(button.dataset.go));
  else if (button?.dataset.mode) choose(button.dataset.mode);
});
addEventListener("input", (event) => slide(event.target.closest("figure")));
addEventListener("hashchange", () => visit());
document.getElementById("theme").addEventListener("click", dress);
document.getElementById("help").addEventListener("click", explain);
visit({ focus: false, address: false });
