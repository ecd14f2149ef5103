// Pages on which something is entered: read in the request, read on the page, or worked out.
(() => {
  const {all, click, form, labelled, learn, one, quoted} = oracle;
  const said = (pattern) => core.getUtterance().match(pattern)[1];

  const enter = (field, text) => form([[one(field), text]], one("#subbtn"));

  const login = () => {
    const [user, password] = Array.from(core.getUtterance().matchAll(/"([^"]*)"/g), (match) => match[1]);
    return form([[one("#username"), user], [one("#password"), password]], one("#subbtn"));
  };

  const cased = () => core.getUtterance().includes("upper case") ? quoted().toUpperCase() : quoted().toLowerCase();

  const sum = () => {
    const [first, sign, second] = one("#math-problem").textContent.split(" ");
    const [a, b] = [Number(first), Number(second)];
    return String({"+": a + b, "-": a - b, "x": a * b}[sign]);
  };

  const word = () => {
    const words = one("#area p").textContent.trim().split(/\s+/);
    return words[said(/(\d+)\w+ word/) - 1].replace(/[^a-zA-Z]+/g, "");
  };

  const value = () => labelled("td:first-child", said(/value of (.*) into/))[0].nextSibling.textContent;

  // The button and the field that are asked for by their place. Typing cannot take back what is in another field.
  const sequence = () => {
    const [button, place] = Array.from(core.getUtterance().matchAll(/(\d)(?:st|nd|rd)/g), (match) => match[1] - 1);
    const fields = all("#area input[type=text]"), [radio] = all("#area input[type=radio]").splice(button, 1);
    const [field] = fields.splice(place, 1), submit = one("#subbtn");
    if (fields.some((other) => other.value)) return null;
    const step = form([[field, quoted()]], submit);
    if (radio.checked || step.kind !== "click") return step;
    return click([radio, ...step.elements.filter((element) => element !== submit)]);
  };

  const popup = () => {
    const cancel = all("#popup-cancel");
    return cancel.length ? click(cancel) : login();
  };

  // A date is typed from its first part on, which a click there brings the focus to; whether it is there cannot be
  // seen from outside, so it is remembered.
  let pressed = null;
  document.addEventListener("mousedown", (event) => { pressed = event; }, true);
  document.addEventListener("keydown", () => { pressed = null; }, true);

  const date = () => {
    const field = one("#tt"), wanted = said(/Enter (\S+) as/), [month, day, year] = wanted.split("/");
    if (field.value === `${year}-${month}-${day}`) return click([one("#subbtn")]);
    const {left, top, bottom} = field.getBoundingClientRect();
    const box = measure.clip({left: left + 3, top: top + 2, right: left + 18, bottom: bottom - 2}, {left: 0, top: 0});
    const [x, y] = pressed && document.activeElement === field ? [pressed.clientX, pressed.clientY] : [-1, -1];
    const begun = box[0] <= x && x < box[2] && box[1] <= y && y < box[3];
    return begun ? {kind: "type", text: wanted, boxes: [box]} : {kind: "click", boxes: [box]};
  };

  // The lines that show of the drop-down list as an environment draws it, or null where it is not open.
  const lines = () => {
    const pickers = window[Symbol.for("handeye.pickers")], root = pickers && pickers.root();
    if (!root) return null;
    const panel = root.querySelector(".panel").getBoundingClientRect();
    const rows = Array.from(root.querySelectorAll(".row"));
    return rows.map((row) => ({text: row.textContent.trim(), rect: row.getBoundingClientRect()}))
      .filter(({rect}) => rect.top >= panel.top && rect.bottom <= panel.bottom);
  };

  // A list's option is chosen by its name. An open list is used by clicks, and closed where it is of no use.
  const choose = () => {
    const list = one("#options"), wanted = said(/^Select (.*) from the list/), open = lines();
    const right = list.selectedOptions[0].text.trim() === wanted;
    if (!open) return right ? click(all("#area button")) : {kind: "select", text: wanted, elements: [list]};
    const line = right ? null : open.find((each) => each.text === wanted);
    const box = line && measure.clip(line.rect, {left: 0, top: 0});
    return box ? {kind: "click", boxes: [box]} : click([one("#query")]);
  };

  learn("choose-list", choose, "#options, #query");
  learn("enter-date", date, "#tt");
  learn("enter-password", () => form([[one("#password"), quoted()], [one("#verify"), quoted()]], one("#subbtn")),
    "#password, #verify, #area label");
  learn("enter-text", () => enter("#tt", quoted()), "#tt");
  learn("enter-text-2", () => enter("#tt", cased()), "#tt");
  learn("enter-text-dynamic", () => enter("#tt", quoted()), "#tt");
  learn("find-word", () => enter("#answer-input", word()), "#answer-input, #area p");
  learn("focus-text", () => click(all("#tt")));
  learn("focus-text-2", () => click([all("#area input")[said(/(\d)/) - 1]]));
  learn("form-sequence-2", sequence, "#area input");
  learn("login-user", login, "#username, #password, #area label");
  learn("login-user-popup", popup, "#username, #password, #area label, #popup p");
  learn("read-table", () => enter("#tt", value()), "#tt, #area td");
  learn("simple-arithmetic", () => enter("#math-answer", sum()), "#math-answer, #math-problem");
})();
