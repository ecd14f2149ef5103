// The picker of a time field: a clock with a way out.
(field, { make, read, write, close, panel }, clock) => {
  const set = (text) => {
    if (text !== read(field)) write(field, text, "input", "change");
    draw();
  };
  const dial = clock(field, make, () => read(field), set);
  const button = (words, name) => make("button", { textContent: words, ariaLabel: words, data: { [name]: "" }, tabIndex: -1 });
  const draw = () => panel.replaceChildren(...dial.draw(),
    make("div", { className: "bar" }, button("Clear", "clear"), button("Set", "done")));
  const press = (found) => {
    const hit = found?.closest("button");
    if (!hit) return;
    if ("done" in hit.dataset) close();
    else if ("clear" in hit.dataset) {
      close();
      if (read(field)) write(field, "", "input", "change");
    } else dial.press(hit);
  };
  const key = (event) => {
    if (["Shift", "Control", "Alt", "Meta"].includes(event.key)) return false;
    if (["Escape", "Enter", " ", "F4"].includes(event.key)) close();
    else if (event.key.startsWith("Arrow")) set(dial.turned(event.key));
    else {
      close(); // what is typed is meant for the field itself
      return false;
    }
    return true;
  };
  draw();
  return { modal: true, key, press };
}
