// Runs in every frame before the page's own scripts; counts what moves, so that settle.js can tell when it ends.
(() => {
  const KEY = Symbol.for("handeye.quiet");
  if (window[KEY]) return;
  const SHORT = 300; // ms; a timer this short is part of the answer to an event, a longer one is not waited for
  const timers = new Set();
  const state = {
    activity: 0,
    endless: false,
    waiting: () => timers.size > 0,
    frame: window.requestAnimationFrame.bind(window),
    later: window.setTimeout.bind(window),
    attachShadow: Element.prototype.attachShadow,
    shadows: new WeakMap(), // of elements to their shadow roots, the closed ones too
    attached: new Set(), // to be called with every new shadow root
  };
  Object.defineProperty(window, KEY, { value: state });

  const touch = () => { state.activity += 1; };
  const observer = new MutationObserver(touch);
  const observe = (root) => observer.observe(root, {
    subtree: true, childList: true, attributes: true, characterData: true,
  });
  observe(document);
  Element.prototype.attachShadow = new Proxy(Element.prototype.attachShadow, {
    apply: (target, self, args) => {
      const root = Reflect.apply(target, self, args);
      observe(root);
      state.shadows.set(self, root);
      for (const call of state.attached) call(root);
      return root;
    },
  });
  window.addEventListener("scroll", touch, { capture: true, passive: true });
  window.requestAnimationFrame = new Proxy(window.requestAnimationFrame, {
    apply: (target, self, args) => { touch(); return Reflect.apply(target, self, args); },
  });

  let inside = false; // a timer that a timer sets is a clock, not an answer
  const timed = (call, id) => function (...args) {
    timers.delete(id());
    const outer = inside;
    inside = true;
    try { return call.apply(this, args); } finally { inside = outer; }
  };
  window.setTimeout = new Proxy(window.setTimeout, {
    apply: (target, self, [call, delay, ...args]) => {
      if (typeof call !== "function") return Reflect.apply(target, self, [call, delay, ...args]);
      let id = 0;
      id = Reflect.apply(target, self, [timed(call, () => id), delay, ...args]);
      if (!inside && !(delay > SHORT)) timers.add(id);
      return id;
    },
  });
  for (const name of ["clearTimeout", "clearInterval"]) {
    window[name] = new Proxy(window[name], {
      apply: (target, self, args) => { timers.delete(args[0]); return Reflect.apply(target, self, args); },
    });
  }

  // A blinking caret would make every second capture another picture; a steady one still shows the focus.
  // A browser that cannot hold it still shows none.
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`:where(html) { caret-animation: manual }
      @supports not (caret-animation: manual) { :where(html) { caret-color: transparent } }`);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  } catch { /* a document without style sheets has no caret */ }
})();
