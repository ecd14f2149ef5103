// Runs in every frame before the page's own scripts; counts what moves, so that settle.js can tell when it ends.
(() => {
  const KEY = Symbol.for("handeye.quiet");
  if (window[KEY]) return;
  const SHORT = 300; // ms; a timer this short is part of the answer to an event, a longer one is not waited for
  const DEPTH = 4; // timers that set each other and still are one answer; a clock goes on for longer
  const expected = new Set(); // what is about to happen: timers, idle callbacks, answers of sockets and workers
  const state = {
    activity: 0,
    endless: false,
    waiting: () => expected.size > 0,
    frame: window.requestAnimationFrame.bind(window),
    later: window.setTimeout.bind(window),
    attachShadow: Element.prototype.attachShadow,
    shadows: new WeakMap(), // of elements to their shadow roots, the closed ones too
    heard: new Set(), // to be called once, with the next thing that moves
    attached: new Set(), // to be called with every new shadow root
    roots: new Set(), // weak references to them
  };
  Object.defineProperty(window, KEY, { value: state });

  const touch = () => {
    state.activity += 1;
    for (const call of state.heard) call();
    state.heard.clear();
  };
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
      state.roots.add(new WeakRef(root));
      for (const call of state.attached) call(root);
      return root;
    },
  });
  window.addEventListener("scroll", touch, { capture: true, passive: true });
  window.requestAnimationFrame = new Proxy(window.requestAnimationFrame, {
    apply: (target, self, args) => { touch(); return Reflect.apply(target, self, args); },
  });

  let depth = 0;
  const timed = (call, name, level) => function (...args) {
    expected.delete(name());
    const outer = depth;
    depth = level;
    try { return call.apply(this, args); } finally { depth = outer; }
  };
  const expects = (name, kind, counts) => {
    window[name] = new Proxy(window[name], {
      apply: (target, self, [call, delay, ...args]) => {
        if (typeof call !== "function") return Reflect.apply(target, self, [call, delay, ...args]);
        let id = 0;
        const level = depth + 1;
        id = Reflect.apply(target, self, [timed(call, () => kind + id, level), delay, ...args]);
        if (level <= DEPTH && counts(delay)) expected.add(kind + id);
        return id;
      },
    });
  };
  expects("setTimeout", "timer ", (delay) => !(delay > SHORT));
  expects("requestIdleCallback", "idle ", () => true);
  for (const [name, kind] of [["clearTimeout", "timer "], ["clearInterval", "timer "], ["cancelIdleCallback", "idle "]]) {
    window[name] = new Proxy(window[name], {
      apply: (target, self, args) => { expected.delete(kind + args[0]); return Reflect.apply(target, self, args); },
    });
  }

  // Whoever is written to is given a moment to answer.
  const listen = EventTarget.prototype.addEventListener;
  for (const [prototype, name] of [[WebSocket.prototype, "send"], [Worker.prototype, "postMessage"]]) {
    prototype[name] = new Proxy(prototype[name], {
      apply: (target, self, args) => {
        const answer = Symbol(name);
        const done = () => expected.delete(answer);
        expected.add(answer);
        for (const kind of ["message", "close", "error"]) listen.call(self, kind, done, { once: true });
        state.later(done, SHORT);
        return Reflect.apply(target, self, args);
      },
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
