// Resolves once a whole frame has passed in which nothing moved: "quiet", or "still" where nothing has moved since the
// count of activity was `since`; or at a cap: "moving" or "loading". Both caps are milliseconds.
async (cap, animationCap, since) => {
  const AGAIN = 200; // ms; what outlived one cap is taken for endless and gets no second one
  const state = window[Symbol.for("handeye.quiet")];
  if (!state) return "quiet";
  const started = performance.now();
  // Hidden frames get no animation frames, so a timer stands in.
  const frame = () => new Promise((done) => { state.frame(done); state.later(done, 50); });
  const animated = () => document.getAnimations().some((animation) =>
    animation.playState === "running" && animation.effect &&
    Number.isFinite(animation.effect.getComputedTiming().endTime));
  const seen = (image) => {
    const box = image.getBoundingClientRect();
    return box.bottom > 0 && box.top < innerHeight && box.width > 0;
  };
  const loading = () => document.readyState !== "complete" || document.fonts?.status === "loading" ||
    [...document.images].some((image) => !image.complete && seen(image));

  await frame();
  for (let still = true; ; still = false) {
    const before = state.activity;
    await frame();
    const busy = loading();
    const moving = state.activity !== before || state.waiting() || animated();
    if (!busy && !moving) return still && state.activity === since ? "still" : "quiet";
    const elapsed = performance.now() - started;
    if (!busy && elapsed > (state.endless ? Math.min(AGAIN, animationCap) : animationCap)) {
      state.endless = true;
      return "moving";
    }
    if (elapsed > cap) return "loading";
  }
}
