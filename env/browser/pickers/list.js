// The options of a drop-down list, as a list below it.
(field, { make, tell, close, panel }) => {
  const AGAIN = 1000; // ms within which letters belong to one word
  const PAGE = 8;
  const choose = Object.getOwnPropertyDescriptor(HTMLSelectElement.prototype, "selectedIndex").set;
  let rows = []; // those that can be chosen
  let at = -1;
  let word = "";
  let typed = 0;

  const drawn = (element) => !element.hidden && getComputedStyle(element).display !== "none";
  const option = (each, nested) => {
    const row = make("div", { className: "row", role: "option", textContent: each.label || " " });
    row.dataset.index = each.index;
    if (nested) row.classList.add("nested");
    if (each.disabled || each.parentNode.disabled) row.ariaDisabled = "true";
    else rows.push(row);
    return row;
  };
  const draw = () => {
    rows = [];
    const lines = [...field.children].filter(drawn).flatMap((each) => {
      if (each.localName === "option") return [option(each, false)];
      if (each.localName === "hr") return [make("hr")];
      if (each.localName !== "optgroup") return [];
      const head = make("div", { className: "group", textContent: each.label });
      return [head, ...[...each.children].filter((one) => one.localName === "option" && drawn(one))
        .map((one) => option(one, true))];
    });
    panel.replaceChildren(...lines);
    move(rows.findIndex((row) => Number(row.dataset.index) === field.selectedIndex));
  };
  const move = (to) => {
    rows[at]?.classList.remove("here");
    at = to < 0 ? -1 : Math.min(to, rows.length - 1);
    rows[at]?.classList.add("here");
    rows[at]?.scrollIntoView({ block: "nearest" });
  };
  const commit = (row) => {
    close();
    if (!row || field.selectedIndex === Number(row.dataset.index)) return;
    choose.call(field, Number(row.dataset.index));
    tell(field, "input", "change");
  };
  const find = (letter, now) => {
    word = now - typed > AGAIN ? letter : word + letter;
    typed = now;
    const alike = [...word].every((each) => each === word[0]) ? word[0] : word; // the same letter goes round
    const from = alike.length === 1 ? at + 1 : Math.max(at, 0);
    const order = [...rows.slice(from), ...rows.slice(0, from)];
    const found = order.find((row) => row.textContent.trim().toLowerCase().startsWith(alike.toLowerCase()));
    if (found) move(rows.indexOf(found));
  };
  const key = (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1, PageDown: PAGE, PageUp: -PAGE };
    const name = event.key;
    const writing = event.timeStamp - typed < AGAIN && word;
    if (["Shift", "Control", "Alt", "Meta"].includes(name)) return false;
    if (name === "Escape" || (event.altKey && name.startsWith("Arrow"))) close();
    else if (name === "Enter" || (name === " " && !writing)) commit(rows[at]);
    else if (name === "Tab") {
      commit(rows[at]);
      return false;
    } else if (name in steps) move(Math.max(at + steps[name], 0));
    else if (name === "Home") move(0);
    else if (name === "End") move(rows.length - 1);
    else if ([...name].length === 1 && !event.ctrlKey && !event.metaKey) find(name, event.timeStamp);
    return true;
  };
  draw();
  return {
    modal: true,
    wide: true,
    key,
    changed: draw,
    shown: () => rows[at]?.scrollIntoView({ block: "nearest" }),
    press: (found) => {
      const row = found?.closest(".row");
      if (rows.includes(row)) commit(row);
    },
  };
}
