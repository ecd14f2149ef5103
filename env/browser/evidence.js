// What tells an element from its neighbours: role, name, text, box and the texts around it, and never a value.
// A function of the object of element.js, the selectors of what is masked, and the part of the window that is seen: its
// width and height, or null for all of it.
(element, masks, clip) => {
  const LONGEST = 80, ROW = 160; // characters of a text, and of all texts of a row
  const NEAR = 6, LEVELS = 8, MOST = 400, LISTED = 3000;
  const LEAST = 4; // pixels; a field smaller than that is drawn by its label
  const PARTS = "a[href], area[href], button, input, label, option, select, summary, textarea, [role], [onclick], " +
    "[contenteditable]:not([contenteditable=false]), canvas, embed, iframe, img, object, svg, video";
  const ROWS = "tr, li, article, [role=row], [role=listitem]";
  const INLINE = new Set(["abbr", "b", "bdi", "code", "em", "font", "i", "mark", "s", "small", "span", "strong",
    "sub", "sup", "u"]);
  const MUTE = new Set(["datalist", "noscript", "option", "script", "select", "style", "template", "textarea", "title"]);
  const ROLES = { a: "link", area: "link", article: "article", button: "button", dialog: "dialog", h1: "heading",
    h2: "heading", h3: "heading", h4: "heading", h5: "heading", h6: "heading", img: "img", option: "option",
    select: "combobox", summary: "button", textarea: "textbox" };
  const INPUTS = { button: "button", checkbox: "checkbox", email: "textbox", image: "button", number: "spinbutton",
    password: "textbox", radio: "radio", range: "slider", reset: "button", search: "searchbox", submit: "button",
    tel: "textbox", text: "textbox", url: "textbox" };
  const BUTTONS = { reset: "Reset", submit: "Submit" };
  const { clean, shadow } = element;
  const cut = (text, most = LONGEST) => (text.length > most ? text.slice(0, most - 1) + "…" : text);
  const matches = (part, selector) => {
    try { return part.matches(selector); } catch { return false; }
  };
  const up = (part) => part.assignedSlot || part.parentElement || part.getRootNode().host || null;
  const closest = (part, selector) => {
    for (; part; part = up(part)) if (matches(part, selector)) return part;
    return null;
  };
  const inside = (part, outer) => {
    for (; part; part = up(part)) if (part === outer) return true;
    return false;
  };
  const masked = (part) => masks.some((selector) => closest(part, selector));
  const field = (part) => ["input", "select", "textarea"].includes(part.localName);
  const editable = (part) => part.isContentEditable || (field(part) && !BUTTON.test(part.type));
  const BUTTON = /^(button|image|reset|submit)$/;
  const shown = (part) => part.checkVisibility({ visibilityProperty: true });
  const children = (part) => {
    if (part.localName === "slot" && part.assignedNodes().length) return part.assignedNodes({ flatten: true });
    return (shadow(part) || part).childNodes;
  };

  // The texts that can be read inside an element, each with what it belongs to; words that run on are one of them.
  const known = new Map();
  const texts = (part) => {
    if (!known.has(part)) known.set(part, gather(part));
    return known.get(part);
  };
  const gather = (part) => {
    if (MUTE.has(part.localName) || part.isContentEditable || !shown(part)) return [];
    if (masks.some((selector) => matches(part, selector))) return [];
    const found = [];
    for (const child of children(part)) {
      if (child.nodeType === Node.ELEMENT_NODE) {
        const inner = texts(child);
        for (const one of inner) join(found, one);
        if (!inner.length && !INLINE.has(child.localName)) close(found);
      } else if (child.nodeType === Node.TEXT_NODE && child.data) {
        join(found, { raw: child.data, of: part, node: child, open: true });
      }
      if (found.length > MOST) break;
    }
    return INLINE.has(part.localName) ? found : found.filter((one) => one.raw.trim()).map((one) => ({ ...one, open: false }));
  };
  const close = (found) => { if (found.length) found[found.length - 1] = { ...found.at(-1), open: false }; };
  const join = (found, one) => {
    const last = found.at(-1);
    if (last?.open && one.open) found[found.length - 1] = { ...last, raw: last.raw + one.raw };
    else found.push(one);
  };
  const words = (part, most) => cut(clean(texts(part).map((one) => one.raw).join(" ")), most);

  const role = (part) => {
    const given = clean(part.getAttribute("role")).split(" ")[0];
    if (given && given !== "presentation" && given !== "none") return given;
    const tag = part.localName;
    if (tag === "input") return part.list ? "combobox" : INPUTS[part.type] || part.type;
    if (tag === "select" && (part.multiple || part.size > 1)) return "listbox";
    if (ROLES[tag]) return ROLES[tag];
    if (part.isContentEditable) return "textbox";
    if (matches(part, PARTS)) return matches(part, "[onclick]") ? "button" : tag;
    return own(part) ? "text" : "";
  };
  const own = (part) => [...part.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  const labels = (part) => {
    const ids = clean(part.getAttribute("aria-labelledby")).split(" ").filter(Boolean);
    const named = ids.map((id) => part.getRootNode().getElementById?.(id)).filter(Boolean);
    return named.length ? named : [...(part.labels || [])];
  };
  const name = (part) => {
    if (masked(part) || !role(part)) return "";
    const said = labels(part).map((label) => words(label)).join(" ");
    const given = clean(said) || clean(part.getAttribute("aria-label"));
    if (given) return cut(given);
    if (field(part) && BUTTON.test(part.type)) return cut(clean(part.value || part.alt) || BUTTONS[part.type] || "");
    const inner = editable(part) ? "" : words(part) || clean(part.querySelector?.("img[alt]")?.alt);
    const hint = part.getAttribute("alt") || part.getAttribute("title") || part.getAttribute("placeholder");
    return cut(inner || clean(hint));
  };
  const text = (part) => {
    if (masked(part) || !role(part)) return "";
    if (field(part)) return BUTTON.test(part.type) ? cut(clean(part.value)) : "";
    return words(part);
  };
  // What its author calls it; what a program may have counted out, such as ":r3:", is no name.
  const key = (part) => {
    const given = part.getAttribute("data-testid") || part.getAttribute("name") || part.id || "";
    const told = part.type === "radio" ? `${given}=${part.getAttribute("value") || ""}` : given;
    return masked(part) || /[:\s]|\d{3}/.test(told) || told.length > LONGEST ? "" : told;
  };

  // A box of an element's own frame in the window of the outermost frame that can be asked.
  const placed = (part, box) => {
    let { left, top, right, bottom } = box;
    let view = part.ownerDocument.defaultView;
    while (view && view !== window && view.frameElement) {
      const frame = view.frameElement.getBoundingClientRect();
      const [x, y] = [frame.left + view.frameElement.clientLeft, frame.top + view.frameElement.clientTop];
      [left, top, right, bottom] = [left + x, top + y, right + x, bottom + y];
      view = view.parent;
    }
    const { offsetLeft, offsetTop, scale } = window.visualViewport;
    return [(left - offsetLeft) * scale, (top - offsetTop) * scale, (right - offsetLeft) * scale, (bottom - offsetTop) * scale];
  };
  const large = (box) => box.width >= LEAST && box.height >= LEAST;
  const drawn = (part) => {
    if (!large(part.getBoundingClientRect()) || !part.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
      return labels(part).find((label) => large(label.getBoundingClientRect()) && shown(label)) || part;
    return part;
  };
  const span = (node) => {
    const range = node.ownerDocument.createRange();
    range.selectNodeContents(node);
    return range.getBoundingClientRect();
  };
  const seen = (box) => !clip || (box.left < clip[0] && box.top < clip[1]);
  const away = (one, other) => Math.hypot(
    Math.max(other.left - one.right, one.left - other.right, 0),
    Math.max(other.top - one.bottom, one.top - other.bottom, 0),
  );

  // The texts around an element, those of its smallest surroundings first and the nearest of these first. A row of a
  // table or a list is one text, and nothing else is said: it alone tells one row's buttons from another's.
  const near = (part) => {
    const mine = [part, ...labels(part)];
    const others = (outer) => texts(outer).filter((one) => !mine.some((each) => inside(one.of, each)));
    const box = drawn(part).getBoundingClientRect();
    const found = [], told = new Set();
    let outer = up(part);
    for (let level = 0; outer && level < LEVELS && found.length < NEAR; level += 1, outer = up(outer)) {
      const fresh = others(outer).filter((one) => !told.has(one.node));
      if (fresh.length && !found.length && matches(outer, ROWS)) return [words(outer, ROW)];
      for (const one of fresh) told.add(one.node);
      const ranked = fresh.map((one) => [span(one.node), cut(clean(one.raw))]).filter(([place]) => seen(place))
        .map(([place, said]) => [away(box, place), said]);
      ranked.sort(([one], [other]) => one - other);
      for (const [, said] of ranked) if (said && found.length < NEAR && !found.includes(said)) found.push(said);
    }
    return found;
  };

  const evidence = (part, place = part) => ({
    role: cut(role(part)),
    name: name(part),
    text: text(part),
    key: key(part),
    box: placed(place, place.getBoundingClientRect()),
    near: near(part),
  });
  const BLANK = { role: "", name: "", text: "", key: "", box: null, near: [] };
  const of = (found) => {
    if (!found || ["html", "body"].includes(found.localName)) return BLANK;
    const part = closest(found, PARTS) || found;
    if (part.localName === "label" && part.control) return evidence(part.control, part);
    return evidence(part);
  };
  const hits = (part, place) => {
    const { left, top, width, height } = place.getClientRects()[0] || place.getBoundingClientRect();
    const spots = [[0.5, 0.5], [0.2, 0.5], [0.8, 0.5], [0.5, 0.2], [0.5, 0.8]];
    return spots.some(([x, y]) => {
      const found = element.at(left + width * x, top + height * y);
      return found && (inside(found, part) || inside(found, place) || found.localName === "label" && found.control === part);
    });
  };
  const off = (part) => matches(part, ":disabled") || closest(part, "[aria-disabled=true]") || closest(part, "[inert]");
  const walk = function* (root) {
    for (const part of root.querySelectorAll("*")) {
      yield part;
      if (shadow(part)) yield* walk(shadow(part));
    }
  };
  const listed = (part) => {
    if (part.localName === "label" && part.control) return false;
    if (part.localName === "option" && !(part.parentElement?.size > 1 || part.parentElement?.multiple)) return false;
    return matches(part, PARTS) || (own(part) && !MUTE.has(part.localName) && !closest(up(part), PARTS));
  };

  return {
    of,
    // Places are in pixels of the window, and null stands for what another origin's frame holds.
    lies: (places) => places.map(([x, y]) => {
      const [left, top] = element.layout(x, y);
      if (element.closed(left, top)) return null;
      return { target: element.hit(left, top), evidence: of(element.at(left, top)) };
    }),
    // All that can be read or used in this frame, but what is covered, masked or switched off; with `beyond` also what
    // lies outside the window.
    named: (beyond) => {
      const found = [], [wide, high] = clip || [innerWidth, innerHeight];
      const picker = window[Symbol.for("handeye.pickers")]?.root();
      for (const root of picker ? [picker, document] : [document]) {
        for (const part of walk(root)) {
          if (found.length >= LISTED) return found;
          if (!listed(part) || !shown(part) || masked(part) || off(part)) continue;
          const place = drawn(part), box = place.getBoundingClientRect();
          if (!large(box)) continue;
          const [across, down] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
          const outside = beyond && (across < 0 || down < 0 || across >= wide || down >= high);
          if (outside || hits(part, place)) found.push(evidence(part, place));
        }
      }
      return found;
    },
  };
}
