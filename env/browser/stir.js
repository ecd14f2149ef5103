// Resolves with the next thing that moves in the document, or after so many milliseconds.
async (limit) => {
  const state = window[Symbol.for("handeye.quiet")];
  const events = ["input", "change", "scroll", "load", "transitionend", "animationend"];
  await new Promise((done) => {
    (state ? state.later : window.setTimeout.bind(window))(done, limit);
    const observer = new MutationObserver(() => { observer.disconnect(); done(); });
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    for (const name of events) window.addEventListener(name, done, { capture: true, once: true, passive: true });
  });
}
