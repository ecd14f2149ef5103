// The picker of a colour field: swatches, one track each for red, green and blue, and the digits to type.
(field, { make, read, write, tell, close, panel }) => {
  const before = read(field);
  const two = (number) => Math.round(number).toString(16).padStart(2, "0");
  const hsl = (hue, light) => {
    const part = (shift) => {
      const place = (shift + hue / 30) % 12;
      return two(255 * (light - Math.min(light, 1 - light) * Math.max(-1, Math.min(place - 3, 9 - place, 1))));
    };
    return `#${part(0)}${part(8)}${part(4)}`;
  };
  const greys = [...Array(12).keys()].map((each) => `#${two((each * 255) / 11).repeat(3)}`);
  const tones = [0.2, 0.35, 0.5, 0.65, 0.8].flatMap((light) =>
    [...Array(12).keys()].map((hue) => hsl(hue * 30, light)));
  const names = ["red", "green", "blue"];
  let typed = "";

  const channels = () => [1, 3, 5].map((place) => parseInt(read(field).slice(place, place + 2), 16));
  const set = (colour) => {
    if (colour !== read(field)) write(field, colour, "input");
    draw();
  };
  const track = (name, place) => {
    const now = channels();
    const [from, to] = [0, 255].map((end) => `rgb(${now.map((each, at) => (at === place ? end : each)).join(" ")})`);
    const knob = make("u");
    const line = make("div", { className: "track", role: "slider", ariaLabel: name, data: { place } }, knob);
    line.style.background = `linear-gradient(to right, ${from}, ${to})`;
    knob.style.left = `${now[place]}px`;
    return line;
  };
  const draw = () => {
    const swatches = [...greys, ...tones].map((colour) => {
      const cell = make("button", { ariaLabel: colour, data: { colour }, tabIndex: -1 });
      cell.style.background = colour;
      if (colour === read(field)) cell.classList.add("set");
      return cell;
    });
    const patch = make("div", { className: "patch" });
    patch.style.background = read(field);
    panel.replaceChildren(
      make("div", { className: "swatches" }, ...swatches),
      ...names.map(track),
      make("div", { className: "bar" }, patch, make("b", { textContent: typed ? `#${typed}…` : read(field) }),
        make("button", { textContent: "Set", ariaLabel: "Set", data: { done: "" }, tabIndex: -1 })),
    );
  };
  const slide = (found, event) => {
    const line = found?.closest(".track");
    if (!line) return;
    const box = line.getBoundingClientRect();
    const now = channels();
    const share = (event.clientX - box.left - line.clientLeft) / (box.width - 2 * line.clientLeft);
    now[Number(line.dataset.place)] = Math.max(0, Math.min(255, Math.floor(share * 256)));
    set(`#${now.map(two).join("")}`);
  };
  const key = (event) => {
    if (["Shift", "Control", "Alt", "Meta"].includes(event.key)) return false;
    if (event.key === "Escape") {
      set(before);
      close();
    } else if (event.key === "Enter" || event.key === "Tab") close();
    else if (event.key === "Backspace") typed = typed.slice(0, -1);
    else if (/^[0-9a-f]$/i.test(event.key)) typed += event.key.toLowerCase();
    if (typed.length === 6) {
      const colour = `#${typed}`;
      typed = "";
      set(colour);
    } else if (event.key !== "Escape") draw();
    return event.key !== "Tab";
  };
  draw();
  return {
    modal: true,
    key,
    slide,
    press: (found) => {
      const hit = found?.closest("button");
      if (hit?.dataset.colour) set(hit.dataset.colour);
      else if (hit && "done" in hit.dataset) close();
    },
    closed: () => {
      if (read(field) !== before) tell(field, "change");
    },
  };
}
