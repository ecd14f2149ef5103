"use strict";
const steps = Array.from(document.querySelectorAll(".step"));
addEventListener("keydown", (event) => {
  const way = { ArrowRight: 1, ArrowDown: 1, j: 1, ArrowLeft: -1, ArrowUp: -1, k: -1 }[event.key];
  if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
  const here = steps.indexOf(document.activeElement);
  const next = steps[here < 0 ? 0 : Math.min(steps.length - 1, Math.max(0, here + way))];
  if (!next) return;
  event.preventDefault();
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
});
