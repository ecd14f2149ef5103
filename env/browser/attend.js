// Runs in every frame before the page's own scripts, in a world that the page cannot reach: tells what a person does,
// as it happens and before the page is told. What a script made up is not trusted by the browser, and not told here.
// A function of what element.js gives.
(looks) => {
  if (globalThis.handeyeAttends) return;
  globalThis.handeyeAttends = true;
  const FAR = 5; // CSS pixels that a hand moves within a click
  const REST = 120; // ms without a move after which a pointer rests
  const LONGEST = 200; // places of a drag
  const NEAR = 5; // texts around an element
  const SECRET = 'input[type="password" i]' + ["current-password", "new-password", "one-time-code", "cc-number", "cc-csc"]
    .map((name) => `, [autocomplete~="${name}" i]`).join("");
  const LINES = ["", "text", "search", "url", "tel", "email", "number", "password"];
  const kept = new WeakSet(); // a field that hid its text once is a secret for good
  const names = new WeakMap();
  let [count, expected, down, timer, last] = [0, [], null, 0, null];

  const tell = (kind, event, more) => globalThis.handeye(JSON.stringify({
    kind, time: event.timeStamp, wide: innerWidth, high: innerHeight, ...more,
  }));
  const path = (event) => event.composedPath()[0] || event.target;
  const place = (event) => [event.clientX, event.clientY];
  const modifiers = (event) => ["alt", "ctrl", "meta", "shift"].filter((name) => event[`${name}Key`]);
  const clean = (text) => (text || "").replace(/\s+/g, " ").trim().slice(0, 80);
  const number = (element) => {
    if (!names.has(element)) names.set(element, (count += 1));
    return names.get(element);
  };

  const hides = (element) => {
    if (kept.has(element)) return true;
    const secret = element.matches?.(SECRET) || getComputedStyle(element).webkitTextSecurity !== "none";
    if (secret) kept.add(element);
    return secret;
  };
  const shut = (element) => element.localName?.includes("-") && !element.shadowRoot && element.localName !== "handeye-picker";
  const sort = (element) => {
    if (!element?.localName || ["html", "body"].includes(element.localName)) return element?.isContentEditable ? "text" : "none";
    if (shut(element)) return "secret"; // nobody sees what kind of field has the focus in there
    const tag = element.localName;
    const writes = tag === "textarea" || element.isContentEditable || (tag === "input" && LINES.includes(element.type));
    if (!writes || element.readOnly || element.disabled) return "none";
    if (hides(element)) return "secret";
    return tag === "input" ? "line" : "text";
  };
  const text = (element) => ("value" in element ? element.value : element.innerText) || "";
  const field = (element) => {
    const kind = sort(element);
    const known = kind === "none" ? {} : { filled: Boolean(text(element)), name: element.name || element.id || element.type || "" };
    return { id: element?.localName ? number(element) : 0, kind, ...known };
  };

  // What lies at the place: the same words as an environment's receipt has, and what stands around.
  const seen = (element, [x, y]) => {
    const part = element.closest?.("a, button, input, label, option, select, summary, textarea, [role]") || element;
    const box = part.getBoundingClientRect();
    const words = looks.hit(x, y);
    const [, role, name] = /^(.*?)(?: "(.*)")?$/s.exec(words) || ["", words, ""];
    const said = kept.has(part) ? "" : clean(part.innerText);
    const around = [];
    for (let each = part; each && around.length < NEAR; each = each.parentElement) {
      for (const one of [each.previousElementSibling, each.nextElementSibling]) {
        const read = one && !["SCRIPT", "STYLE"].includes(one.tagName) ? clean(one.innerText) : "";
        if (read && around.length < NEAR) around.push(read);
      }
    }
    const rect = [box.x, box.y, box.width, box.height];
    return { target: words, role, name: name || "", text: said, near: around, rect, picker: element.localName === "handeye-picker" };
  };

  const on = (kind, call) => window.addEventListener(kind, (event) => {
    if (event.isTrusted) call(event);
  }, { capture: true, passive: true });

  const trail = (event) => {
    const at = place(event);
    if (!down || (at[0] === 0 && at[1] === 0)) return; // the last move of a drag is told without its place
    const before = down.path.at(-1);
    if (Math.hypot(at[0] - before[0], at[1] - before[1]) >= FAR && down.path.length < LONGEST) down.path.push(at);
  };
  const up = (event) => {
    if (!down) return;
    trail(event);
    const far = Math.hypot(event.clientX - down.path[0][0], event.clientY - down.path[0][1]) >= FAR;
    if (down.path.length > 1 && far) down.path.push(place(event));
    tell("up", event, { at: place(event), path: down.path, held: event.timeStamp - down.time });
    down = null;
  };
  on("mousedown", (event) => {
    const element = path(event);
    if (element.nodeType !== 1) return;
    clearTimeout(timer);
    down = { path: [place(event)], time: event.timeStamp };
    tell("down", event, {
      at: place(event), button: event.button, count: event.detail, modifiers: modifiers(event), seen: seen(element, place(event)),
    });
  });
  on("mouseup", up);
  on("dragend", (event) => {
    if (down && event.dataTransfer && event.clientX === 0 && event.clientY === 0) tell("up", event, { at: down.path.at(-1), path: down.path, held: 0 });
    else up(event);
    down = null;
  });
  on("drag", trail);
  on("dragover", trail);
  on("mousemove", (event) => {
    trail(event);
    if (event.buttons) return;
    const [element, at] = [path(event), place(event)];
    if (element !== last) {
      stand(event);
      tell("over", event, { at });
    }
    last = element;
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (element.isConnected) tell("rest", event, { at, seen: seen(element, at) });
    }, REST);
  });

  // Scrolling runs ahead of its events, so places are noted as the pointer comes to them.
  const stood = new WeakMap();
  const stands = (element) => element && stood.set(element, [element.scrollLeft, element.scrollTop]);
  const stand = (event) => {
    for (const element of event.composedPath()) {
      const { scrollHeight, clientHeight, scrollWidth, clientWidth } = element;
      if (scrollHeight > clientHeight || scrollWidth > clientWidth) stands(element);
    }
    stands(document.scrollingElement);
  };
  const rolls = (event) => {
    for (const element of event.composedPath()) {
      if (!element.getBoundingClientRect) continue;
      const { overflowX, overflowY } = getComputedStyle(element);
      const free = (flow) => ["auto", "scroll"].includes(flow);
      const { scrollTop, scrollLeft, scrollHeight, scrollWidth, clientHeight, clientWidth } = element;
      const below = event.deltaY > 0 ? scrollTop + clientHeight < scrollHeight - 1 : event.deltaY < 0 && scrollTop > 0;
      const beside = event.deltaX > 0 ? scrollLeft + clientWidth < scrollWidth - 1 : event.deltaX < 0 && scrollLeft > 0;
      if ((below && free(overflowY)) || (beside && free(overflowX))) return element;
    }
    return document.scrollingElement;
  };
  on("wheel", (event) => {
    const unit = [1, 40, innerHeight][event.deltaMode];
    const roller = rolls(event);
    if (roller && !stood.has(roller)) stands(roller);
    tell("wheel", event, {
      at: place(event), dx: event.deltaX * unit, dy: event.deltaY * unit, roller: roller ? number(roller) : 0,
      from: stood.get(roller) ?? [0, 0],
      modifiers: modifiers(event), seen: seen(path(event), place(event)),
    });
  });

  // How far it went: a notch is not always as many pixels as it says, and something may be at its end.
  const rolled = (event) => {
    if (event.type === "scrollend") stands(event.target === document ? document.scrollingElement : event.target);
    const element = event.target === document ? document.scrollingElement : event.target;
    if (!element || !names.has(element)) return;
    tell("rolled", event, { roller: number(element), from: [element.scrollLeft, element.scrollTop] });
  };
  on("scroll", rolled);
  on("scrollend", rolled);

  const plain = (event) => {
    const third = event.getModifierState("AltGraph");
    return [...event.key].length === 1 && !event.isComposing && (third || !(event.ctrlKey || event.metaKey || event.altKey));
  };
  on("keydown", (event) => {
    if (event.isComposing || ["Process", "Dead", "Unidentified", undefined].includes(event.key)) return;
    const types = plain(event);
    const into = field(path(event));
    expected = types && into.kind !== "none" ? [event.key] : [];
    tell("key", event, {
      key: event.key, code: event.code, modifiers: modifiers(event), plain: types, repeat: event.repeat, field: into,
    });
  });
  on("beforeinput", (event) => {
    const into = field(path(event));
    if (into.kind === "none") return;
    const { inputType, data } = event;
    if (inputType === "insertCompositionText" || inputType === "insertLineBreak" || inputType === "insertParagraph") return;
    if (data !== null && expected[0] === data) expected = [];
    else if (inputType.startsWith("insert")) {
      tell("wrote", event, { text: data ?? event.dataTransfer?.getData("text/plain") ?? "", field: into });
    } else tell("edited", event, { field: into });
  });
  on("compositionend", (event) => event.data && tell("wrote", event, { text: event.data, field: field(path(event)) }));
  on("input", (event) => {
    const element = path(event);
    const into = field(element);
    if (into.kind === "none" || shut(element)) return;
    const value = text(element);
    let end = true;
    try { end = element.selectionEnd === null || element.selectionEnd === undefined || element.selectionEnd === value.length; } catch { /* kinds without one */ }
    tell("holds", event, { field: into, value, end });
  });
  on("focusin", (event) => sort(path(event)));
  on("change", (event) => {
    const element = path(event);
    if (element.localName === "input" && element.type === "file" && element.files.length) {
      globalThis.handeyeFiles = [...element.files];
      tell("files", event, { files: globalThis.handeyeFiles.map((each) => each.name) });
    }
  });
  new MutationObserver((records) => {
    for (const { target, oldValue } of records) if (/^password$/i.test(oldValue)) kept.add(target);
  }).observe(document, { subtree: true, attributeFilter: ["type"], attributeOldValue: true });
}
