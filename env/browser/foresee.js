// What would happen to an element that is clicked, or that enter is pressed on. An expression: an object of functions.
(() => {
  const WORDS = {
    purchase: /\b(buy|purchase|pay|payment|order|check\s?out|subscribe|donate|bid|book now|transfer|upgrade)\b|kaufen|bestell|bezahl/i,
    delete: /\b(delete|remove|erase|discard|destroy|wipe|deactivate|terminate|revoke|unsubscribe|clear all|reset|close account|cancel (my )?(order|subscription|account))\b|löschen|entfernen/i,
    send: /\b(send|post|publish|share|submit|sign|agree|accept|confirm|apply|invite|deploy|grant|authori[sz]e|allow)\b|senden|absenden/i,
  };
  const PARTS = "a[href], area[href], button, input, summary, select, textarea, [role], [onclick]";
  const say = (element) => [element.getAttribute("aria-label"), element.innerText || element.textContent, element.value,
    element.title, element.alt, element.name, element.id].filter((text) => typeof text === "string").join(" ").slice(0, 400);
  const named = (text) => Object.keys(WORDS).filter((risk) => WORDS[risk].test(text.replace(/[_-]/g, " ")));
  const leaves = (address) => {
    try {
      const url = new URL(address, document.baseURI);
      if (["mailto:", "tel:", "sms:"].includes(url.protocol)) return ["send"];
      return ["http:", "https:"].includes(url.protocol) && url.origin !== location.origin ? ["origin"] : [];
    } catch { return []; }
  };
  const typed = (element) => element.isContentEditable || element.localName === "textarea" ||
    (element.localName === "input" && !/^(button|checkbox|color|file|image|radio|range|reset|submit)$/.test(element.type));
  const sent = (form, button) => {
    const address = button?.getAttribute("formaction") || form.getAttribute("action") || "";
    const text = button ? say(button) : "";
    const found = [...named(text), ...leaves(address)];
    const search = form.matches("[role=search]") || form.querySelector("input[type=search]");
    return search && form.method === "get" && !found.length ? [] : ["submit", ...found];
  };
  const first = (form) => [...form.elements].find((part) => ["submit", "image"].includes(part.type));
  const clicked = (element) => {
    if (element === window[Symbol.for("handeye.pickers")]?.root()?.host) return []; // it fills a field, and no page hears
    let part = element.closest(PARTS);
    const label = element.closest("label");
    if (label?.control && !part) part = label.control;
    if (!part) return [];
    const button = part.localName === "button" || (part.localName === "input" && ["submit", "image", "button", "reset"].includes(part.type));
    if (["submit", "image"].includes(part.type) && part.form) return sent(part.form, part);
    if (part.localName === "input" && part.type === "file") return ["upload"];
    if (["a", "area"].includes(part.localName))
      return [...leaves(part.href), ...(part.hasAttribute("download") ? ["download"] : []), ...named(say(part))];
    if (part.type === "reset" && part.form) return ["delete"];
    if (button || part.hasAttribute("onclick") || /^(button|link|menuitem)/.test(part.getAttribute("role") || "")) return named(say(part));
    return [];
  };
  const inside = (found) => found?.shadowRoot || window[Symbol.for("handeye.quiet")]?.shadows.get(found);
  const deep = (x, y) => {
    let found = document.elementFromPoint(x, y);
    for (let root = inside(found); root; root = inside(found)) {
      const next = root.elementFromPoint(x, y);
      if (!next || next === found) break;
      found = next;
    }
    return found;
  };
  const active = () => {
    let found = document.activeElement;
    while (inside(found)?.activeElement) found = inside(found).activeElement;
    return found;
  };
  return {
    deep,
    active,
    hit: (x, y) => { const found = deep(x, y); return found ? clicked(found) : []; },
    // Enter on what has the focus, or would have it after a click: a field sends its form, anything else is clicked.
    entered: (x, y) => {
      const there = x === undefined ? active() : deep(x, y);
      const found = there?.closest("label")?.control || there;
      if (!found) return [];
      if (found.localName === "textarea" || found.isContentEditable) return [];
      return found.form && typed(found) ? sent(found.form, first(found.form)) : clicked(found);
    },
    pressed: () => { const found = active(); return found && !typed(found) ? clicked(found) : []; },
    loose: () => { const found = active(); return !found || !typed(found) ? ["delete"] : []; },
  };
})()
