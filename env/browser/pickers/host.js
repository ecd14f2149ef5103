// Runs in every frame before the page's own scripts. Draws in the page what Chromium opens as windows of its own:
// those are in a screenshot but no click of the protocol reaches them. Whether a picker opens stays Chromium's own
// decision, with all that a page may have to say to it; only then is its window closed and ours shown instead.
// A function of { look, views }: the style sheet, and what makes the inside of a picker for each kind of field.
({ look, views }) => {
  const KEY = Symbol.for("handeye.pickers");
  if (window[KEY]) return;
  const TAG = "handeye-picker";
  const quiet = window[Symbol.for("handeye.quiet")];
  const { later, attachShadow } = quiet;
  const { matches } = Element.prototype;
  const { showPopover, focus } = HTMLElement.prototype;
  const create = Document.prototype.createElement;
  const { stopImmediatePropagation, preventDefault, composedPath } = Event.prototype;
  const values = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
  const listen = EventTarget.prototype.addEventListener;
  const sheet = new CSSStyleSheet();
  const hidden = new CSSStyleSheet();
  sheet.replaceSync(look);

  let shown = null; // { field, host, root, panel, view, watch }
  let toggled = null; // the field whose own picker was open when it was pressed
  let silent = false; // while events of ours go round that are none of the page's business
  let eaten = ""; // the key that a picker took, so that its keyup goes nowhere either

  const tools = {
    make: (tag, settings = {}, ...inside) => {
      const { data = {}, ...rest } = settings;
      const made = Object.assign(create.call(document, tag), rest);
      Object.assign(made.dataset, data);
      made.append(...inside);
      return made;
    },
    // Past what a framework may have put over `value`, so that it notices the change.
    read: (field) => values.get.call(field),
    write: (field, value, ...kinds) => {
      values.set.call(field, value);
      tools.tell(field, ...kinds);
    },
    tell: (field, ...kinds) => {
      for (const kind of kinds) field.dispatchEvent(new Event(kind, { bubbles: true, composed: kind === "input" }));
    },
    // Whether the field's own min, max and step allow a value.
    allows: (field, value) => {
      const probe = create.call(document, "input");
      for (const name of ["type", "min", "max", "step"]) {
        if (field.hasAttribute(name)) probe.setAttribute(name, field.getAttribute(name));
      }
      values.set.call(probe, value);
      const { rangeUnderflow, rangeOverflow, stepMismatch } = probe.validity;
      return values.get.call(probe) === value && !rangeUnderflow && !rangeOverflow && !stepMismatch;
    },
    close: () => {
      if (!shown) return;
      const { host, view, watch } = shown;
      shown = null;
      watch.disconnect();
      host.remove();
      view.closed?.();
    },
    place: () => {
      const { field, panel, view } = shown;
      const { offsetTop, offsetLeft, width, height, scale } = window.visualViewport;
      const box = field.getBoundingClientRect();
      panel.style.zoom = 1 / scale; // a page that is shown smaller gets a picker of the usual size
      panel.style.minWidth = view.wide ? `${box.width * scale}px` : "";
      panel.style.maxHeight = `${height * scale}px`;
      const need = panel.getBoundingClientRect();
      const [above, below] = [box.top - offsetTop, offsetTop + height - box.bottom];
      const under = need.height <= below || below >= above;
      const room = Math.max(under ? below : above, 48);
      if (view.wide) panel.style.maxHeight = `${room * scale}px`;
      const tall = view.wide ? Math.min(need.height, room) : need.height;
      const top = Math.min(under ? box.bottom : box.top - tall, offsetTop + height - tall);
      const left = Math.min(box.left, offsetLeft + width - need.width);
      panel.style.top = `${Math.max(top, offsetTop) * scale}px`;
      panel.style.left = `${Math.max(left, offsetLeft) * scale}px`;
    },
  };

  // Inside a modal dialog, everything outside of it can be neither seen nor clicked.
  const layer = (field) => {
    for (let each = field; each; each = each.parentNode || each.host) {
      if (each.localName === "dialog" && matches.call(each, ":modal")) return each;
    }
    return document.fullscreenElement || document.documentElement;
  };

  const show = (field, make, extra) => {
    tools.close();
    const host = create.call(document, TAG);
    const root = attachShadow.call(host, { mode: "closed" });
    root.adoptedStyleSheets = [sheet];
    const panel = tools.make("div", { className: "panel" });
    const { colorScheme, fontFamily, fontSize } = getComputedStyle(field);
    const watch = new MutationObserver((records) => {
      if (!field.isConnected) tools.close();
      else if (records.some((record) => field.contains(record.target))) shown?.view.changed?.();
    });
    root.append(panel);
    panel.style.colorScheme = colorScheme;
    panel.style.font = `${Math.max(parseFloat(fontSize), 12)}px ${fontFamily}`;
    host.popover = "manual";
    const view = make(field, { ...tools, panel }, extra);
    shown = { field, host, root, panel, view, watch };
    layer(field).append(host);
    showPopover.call(host);
    tools.place();
    view.shown?.();
    const seen = { childList: true, subtree: true };
    watch.observe(field.getRootNode(), seen);
    watch.observe(field, { ...seen, attributes: true, characterData: true });
  };

  const kind = (field) => (field?.localName === "select" ? "select" : field?.localName === "input" ? field.type : "");
  // Chromium's own picker ends without an event where its field is not drawn for a moment.
  const shut = (field) => {
    const root = field.getRootNode();
    const before = [...root.adoptedStyleSheets];
    const name = field.localName === "select" ? "select" : `input[type="${kind(field)}" i]`;
    hidden.replaceSync(`${name} { display: none !important }`); // `:open` would no longer fit, and stay as it was
    for (const sheets of [[...before, hidden], before]) {
      root.adoptedStyleSheets = sheets;
      void getComputedStyle(field).display; // styles alone: a layout without the field could scroll the page
    }
  };
  // The part of a date that had the focus lost it then; the page shall not see it come back.
  const refocus = (field) => {
    if (field.getRootNode().activeElement !== field) return;
    silent = true;
    try { focus.call(field); } finally { silent = false; }
  };
  const isOpen = (field) => {
    try {
      return matches.call(field, ":open");
    } catch {
      return false; // a Chromium from before there was such a selector keeps its own pickers
    }
  };
  const check = (field) => {
    const make = views[kind(field)];
    if (!make || !field.isConnected || !isOpen(field)) return;
    if (getComputedStyle(field).appearance === "base-select") return; // such a list is a part of the page already
    shut(field);
    refocus(field);
    if (field === toggled) return;
    if (field !== shown?.field) show(field, make);
  };

  const consume = (event) => stopImmediatePropagation.call(event);
  const inside = (event) => shown && composedPath.call(event)[0] === shown.host;
  const part = (x, y) => (shown ? shown.root.elementFromPoint(x, y) : null);

  const onPointer = (event) => {
    if (!inside(event)) {
      if (event.type === "mousedown") {
        const field = composedPath.call(event)[0];
        toggled = shown?.view.modal && field === shown.field ? field : null;
        if (shown && !(field === shown.field && !shown.view.modal)) tools.close();
      }
      return;
    }
    consume(event);
    if (event.cancelable && ["mousedown", "click", "contextmenu"].includes(event.type)) preventDefault.call(event);
    const found = part(event.clientX, event.clientY);
    if (event.type === "click" && event.button === 0) shown.view.press?.(found, event);
    else if (event.type === "mousedown" || (event.type === "mousemove" && event.buttons === 1)) {
      shown.view.slide?.(found, event);
    }
  };
  const onKey = (event) => {
    if (event.type === "keydown") [eaten, toggled] = ["", null];
    const taken = eaten === event.key || (shown && event.type === "keydown" && shown.view.key?.(event));
    if (taken) {
      eaten = event.type === "keyup" ? "" : event.key;
      consume(event);
      preventDefault.call(event);
    }
    return taken;
  };
  const onAny = (event) => {
    const field = composedPath.call(event)[0];
    if (views[kind(field)]) later(() => check(field), 0);
    views.also(event, field, { shown, show, tools });
  };

  const OVER = ["pointerdown", "pointerup", "pointermove", "pointerover", "pointerout", "pointercancel", "mousedown",
    "mouseup", "mousemove", "mouseover", "mouseout", "click", "dblclick", "auxclick", "contextmenu"];
  const UNDER = ["touchstart", "touchmove", "touchend", "touchcancel", "wheel"];
  const KEYS = ["keydown", "keypress", "keyup"];
  const OTHERS = ["mousedown", "click", "keydown", "keypress", "keyup", "input", "invalid", "focusout"];
  const hush = (event) => silent && consume(event);
  const keep = (event) => inside(event) && consume(event);
  const gone = (event) => event.target === window && tools.close();
  const moved = (event) => shown && event.target.contains?.(shown.field) && tools.close();
  // Each listener has a name, so that a window that is attended to again has none of them twice.
  const attend = (root) => {
    const on = (kinds, call, passive) => {
      for (const each of kinds) listen.call(root, each, call, { capture: true, passive });
    };
    if (root === window) {
      on(OVER, onPointer, false);
      on(UNDER, keep, true);
      on(KEYS, onKey, false);
      on(["focus", "blur", "focusin", "focusout"], hush, true);
      on(["resize", "blur"], gone, true);
      on(["scroll"], moved, true);
    }
    on(OTHERS, onAny, false);
  };
  attend(window);
  // A closed shadow tree says to no listener outside which of its elements an event was for.
  quiet.attached.add((root) => root.mode === "closed" && attend(root));
  for (const prototype of [HTMLInputElement.prototype, HTMLSelectElement.prototype]) {
    prototype.showPicker = new Proxy(prototype.showPicker, {
      apply: (target, self, args) => {
        const said = Reflect.apply(target, self, args);
        toggled = null;
        check(self);
        return said;
      },
    });
  }
  // document.open takes every listener away.
  for (const name of ["open", "write", "writeln"]) {
    Document.prototype[name] = new Proxy(Document.prototype[name], {
      apply: (target, self, args) => {
        const said = Reflect.apply(target, self, args);
        if (self === document) attend(window);
        return said;
      },
    });
  }
  Object.defineProperty(window, KEY, { value: Object.freeze({ part, close: tools.close, for: () => shown?.field, root: () => shown?.root }) });
}
