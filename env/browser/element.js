// Looks at elements and says in a few words what they are. An expression: an object of functions.
(() => {
  const LONGEST = 80;
  const PARTS = "a, button, input, label, option, select, summary, textarea, [role]";
  const clean = (text) => (text || "").replace(/\s+/g, " ").trim();
  const name = (element) => {
    const tag = element.localName;
    if (element.getAttribute("role")) return element.getAttribute("role");
    if (tag === "a") return "link";
    if (tag === "input") return ["text", ""].includes(element.type) ? "text field" : element.type;
    return tag;
  };
  const label = (element) => {
    const tag = element.localName;
    if (["html", "body"].includes(tag)) return "";
    const given = clean(element.getAttribute("aria-label"));
    if (given) return given;
    if (["input", "select", "textarea"].includes(tag)) {
      const button = ["button", "submit", "reset"].includes(element.type);
      const own = element.labels?.length ? element.labels[0].innerText : "";
      return clean((button && element.value) || own || element.placeholder || element.name || element.id);
    }
    return clean(element.innerText || element.textContent) || clean(element.alt || element.title);
  };
  const describe = (element) => {
    const part = element.closest?.(PARTS) || element;
    const text = label(part);
    const words = text.length > LONGEST ? text.slice(0, LONGEST - 1) + "…" : text;
    return clean(name(part)).slice(0, LONGEST) + (words ? ` "${words}"` : "");
  };

  // The kind of value, and never the value itself.
  const value = (element) => {
    const tag = element.localName;
    const mark = { true: "checked", false: "unchecked" };
    if (["checkbox", "radio"].includes(element.type)) return mark[element.checked];
    if (element.ariaChecked) return mark[element.ariaChecked] || "";
    if (["button", "submit", "reset", "image"].includes(element.type)) return "";
    if (["input", "select", "textarea"].includes(tag)) return element.value ? "filled" : "empty";
    if (element.isContentEditable) return clean(element.innerText) ? "filled" : "empty";
    return "";
  };

  const pickers = (view) => view?.[Symbol.for("handeye.pickers")];
  const shadow = (element) => element.shadowRoot ||
    element.ownerDocument.defaultView?.[Symbol.for("handeye.quiet")]?.shadows.get(element);

  // The innermost element at a place, and the place in its own frame; frames of other origins stay closed.
  const at = (x, y) => {
    let root = document;
    let found = root.elementFromPoint(x, y);
    while (found) {
      let inner = null;
      if (found.localName === "handeye-picker") return pickers(found.ownerDocument.defaultView)?.part(x, y) || found;
      if (shadow(found)) inner = shadow(found);
      else if (found.localName === "iframe" && found.contentDocument) {
        const box = found.getBoundingClientRect();
        x -= box.left + found.clientLeft;
        y -= box.top + found.clientTop;
        inner = found.contentDocument;
      }
      const next = inner && inner !== root ? inner.elementFromPoint(x, y) : null;
      if (!next || next === found) break;
      root = inner;
      found = next;
    }
    return found;
  };
  const active = () => {
    let found = document.activeElement;
    for (;;) {
      const next = found && (shadow(found)?.activeElement || found.contentDocument?.activeElement);
      if (!next) return found;
      found = next;
    }
  };

  return {
    at,
    clean,
    shadow,
    // A place of the window as a place of the layout: on a phone, a page may be laid out wider than it is shown.
    layout: (x, y) => {
      const view = window.visualViewport;
      return [x / view.scale + view.offsetLeft, y / view.scale + view.offsetTop];
    },
    hit: (x, y) => {
      const found = at(x, y);
      return found ? describe(found) : "";
    },
    closed: (x, y) => at(x, y)?.localName === "iframe",
    look: () => {
      const found = active();
      const nothing = !found || ["html", "body"].includes(found.localName);
      return { title: document.title, focus: nothing ? "" : describe(found), value: nothing ? "" : value(found) };
    },
    // Chooses by visible label; says what it found where that is not possible.
    choose: (x, y, wanted) => {
      const found = at(x, y);
      const list = found?.closest("select") || found?.closest("label")?.control;
      if (!list || list.localName !== "select") return { found: found ? describe(found) : "nothing", options: null };
      const options = [...list.options].map((option) => clean(option.label));
      const index = options.indexOf(clean(wanted));
      const target = describe(list);
      if (index < 0 || list.disabled || list.options[index].disabled) return { found: target, options };
      pickers(list.ownerDocument.defaultView)?.close();
      list.focus();
      if (list.selectedIndex !== index || list.multiple) {
        list.selectedIndex = index;
        list.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
        list.dispatchEvent(new Event("change", { bubbles: true }));
      }
      return { found: target, options: null, chosen: true };
    },
  };
})()
