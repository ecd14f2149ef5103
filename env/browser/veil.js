// Runs in every frame before the page's own scripts; knows which places of the frame nobody may see.
(() => {
  const KEY = Symbol.for("handeye.veil");
  if (window[KEY]) return;
  const SECRET = 'input[type="password" i]' + ["current-password", "new-password", "one-time-code", "cc-number", "cc-csc"]
    .map((name) => `, [autocomplete~="${name}" i]`).join("");
  const kept = new WeakSet(); // a field that hid its text once is not shown when it says otherwise
  const hosts = new Set();
  let scanned = false;
  const closed = new WeakMap();
  Element.prototype.attachShadow = new Proxy(Element.prototype.attachShadow, {
    apply: (target, self, args) => {
      const root = Reflect.apply(target, self, args);
      hosts.add(self);
      closed.set(self, root);
      return root;
    },
  });
  const pickers = () => window[Symbol.for("handeye.pickers")];
  const roots = () => {
    if (!scanned && document.readyState === "complete") {
      scanned = true; // shadow trees that came with the document were attached by no script
      for (const element of document.querySelectorAll("*")) if (element.shadowRoot) hosts.add(element);
    }
    for (const host of hosts) if (!host.isConnected) hosts.delete(host);
    const picker = pickers()?.root();
    return [document, ...[...hosts].map((host) => closed.get(host) || host.shadowRoot), ...(picker ? [picker] : [])];
  };
  const active = () => {
    let found = document.activeElement;
    for (;;) {
      const next = found && (closed.get(found) || found.shadowRoot)?.activeElement;
      if (!next) return found;
      found = next;
    }
  };
  const shown = (element) => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  const filled = (element) => Boolean("value" in element ? element.value : element.textContent);
  const parts = (root, selector) => {
    try { return [...root.querySelectorAll(selector)]; } catch { return []; }
  };
  const within = (element, selector) => {
    try { return Boolean(element.closest(selector)); } catch { return false; }
  };
  const told = (element, words) => {
    const said = [element.value, element.placeholder, element.alt].filter((text) => typeof text === "string");
    return words.some((word) => said.some((text) => text.toLowerCase().includes(word)));
  };

  // Ranges of the text that spell one of the words, also across elements.
  const spelled = (root, words) => {
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT), nodes = [];
    let text = "";
    while (walk.nextNode()) {
      nodes.push([text.length, walk.currentNode]);
      text += walk.currentNode.data;
    }
    text = text.toLowerCase();
    const place = (offset) => {
      const [start, node] = nodes.findLast(([first]) => first <= offset);
      return [node, Math.min(offset - start, node.length)];
    };
    return words.flatMap((word) => {
      const found = [];
      for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
        const range = document.createRange();
        range.setStart(...place(at));
        const [node, last] = place(at + word.length - 1);
        range.setEnd(node, Math.min(last + 1, node.length));
        found.push(...range.getClientRects());
      }
      return found;
    });
  };

  const state = {
    active,
    // What was typed into the focused field is nobody's to see from now on.
    keep: () => { const found = active(); if (found) kept.add(found); },
    // Boxes as left, top, width and height in pixels of this frame's window.
    boxes: (selectors, words) => {
      const rects = [];
      for (const root of roots()) {
        for (const element of parts(root, SECRET)) kept.add(element);
        for (const element of parts(root, "input, textarea, [contenteditable], img[alt]")) {
          const hides = kept.has(element) ? filled(element) : words.length && told(element, words);
          if (hides && shown(element)) rects.push(element.getBoundingClientRect());
        }
        for (const selector of selectors)
          for (const element of parts(root, selector)) if (shown(element)) rects.push(element.getBoundingClientRect());
        if (words.length) rects.push(...spelled(root, words));
      }
      const field = pickers()?.for(); // what is drawn for a field says as much as the field
      if (field && ((kept.has(field) && filled(field)) || selectors.some((selector) => within(field, selector))))
        rects.push(pickers().root().firstElementChild.getBoundingClientRect());
      return rects.filter((box) => box.width > 0 && box.height > 0).map((box) => [box.x, box.y, box.width, box.height]);
    },
    holds: () => { const found = active(); return Boolean(found && kept.has(found)); },
    // A place of the layout as a place of the window: on a phone, a page may be laid out wider than it is shown.
    view: () => {
      const view = window.visualViewport;
      return [view.offsetLeft, view.offsetTop, view.scale];
    },
  };
  Object.defineProperty(window, KEY, { value: Object.freeze(state) });
})();
