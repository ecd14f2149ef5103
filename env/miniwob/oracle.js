// Knows, for the page as it stands, what a right next action is. It reads the page and changes nothing in it.
(() => {
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const one = (selector) => document.querySelector(selector);
  const quoted = () => core.getUtterance().match(/"(.*)"/)[1];

  const click = (elements) => ({kind: "click", elements});

  // A field that is to hold `text`: focus it, clear what is wrong in it, type. Null once it holds the text.
  const fill = (field, text) => {
    if (field.value === text) return null;
    const held = document.activeElement === field;
    const selected = held && field.selectionStart === 0 && field.selectionEnd === field.value.length;
    if (field.value === "" && !held) return click([field]);
    return selected ? {kind: "type", text, elements: [field]} : {kind: "triple_click", elements: [field]};
  };

  // Several fields and a button: what is begun is finished first, otherwise any open field may come next.
  const form = (fields, button) => {
    const steps = fields.map(([field, text]) => fill(field, text)).filter(Boolean);
    const urgent = steps.find((step) => step.kind !== "click");
    if (urgent) return urgent;
    return click(steps.length ? steps.flatMap((step) => step.elements) : [button]);
  };

  // Boxes or options that are to be in a state, then the button.
  const choose = (button) => {
    const asked = core.getUtterance().match(/^Select (.*) and click Submit\.$/)[1].split(", ");
    const wrong = all("#boxes label").filter((label) => {
      const box = label.querySelector("input"), wanted = asked.includes(label.textContent);
      return box.checked !== wanted && (wanted || box.type === "checkbox");
    });
    return click(wrong.length ? wrong : [button]);
  };

  const labelled = (selector, text) => all(selector).filter((element) => element.textContent.trim() === text);

  const widget = (kind) => all(`#area [data-type="${kind}"]`).map((element) => element.closest("label") || element);

  const dialog = (text) => text === "x" ? all(".ui-dialog-titlebar button") : labelled(".ui-dialog-buttonset button", text);

  const sequence = () => {
    if (buttonsPushed.length && buttonsPushed[0] !== "subbtn") return null;
    return click(all(buttonsPushed.length ? "#subbtn2" : "#subbtn"));
  };

  const login = () => {
    const [user, password] = Array.from(core.getUtterance().matchAll(/"([^"]*)"/g), (match) => match[1]);
    return form([[one("#username"), user], [one("#password"), password]], one("#subbtn"));
  };

  const folded = () => {
    const open = all(".ui-accordion-content").some((section) => section.getClientRects().length > 0);
    return click(all(open ? "#subbtn" : "#area h3"));
  };

  // The shapes of the drawing that fit a request such as "Click on a small red letter".
  const shapes = () => {
    const words = core.getUtterance().split(" ").slice(3), kind = words.pop();
    return all("#area_svg > *").filter((shape) => {
      const said = told(shape);
      return (kind === "item" || said.kinds.includes(kind)) && words.every((word) => said.looks.includes(word));
    });
  };

  // What can be said of a shape: its size and colour, and what it is.
  const told = (shape) => {
    const name = {circle: "circle", rect: "rectangle", polygon: "triangle"}[shape.tagName];
    const written = shape.textContent, tall = name ? shape.getBBox().width : parseFloat(shape.getAttribute("font-size"));
    return {
      looks: [tall > 15 ? "large" : "small", shape.getAttribute("fill")],
      kinds: name ? [name, "shape"] : [written, /\d/.test(written) ? "digit" : "letter"],
    };
  };

  const sum = () => {
    const [first, sign, second] = one("#math-problem").textContent.split(" ");
    const [a, b] = [Number(first), Number(second)];
    return String({"+": a + b, "-": a - b, "x": a * b}[sign]);
  };

  const tasks = {
    "click-button": () => click(labelled("#area button", quoted())),
    "click-button-sequence": sequence,
    "click-checkboxes": () => choose(one("#subbtn")),
    "click-collapsible": folded,
    "click-dialog": () => click(all("button.ui-button")),
    "click-dialog-2": () => click(dialog(quoted())),
    "click-link": () => click(labelled(".alink", quoted())),
    "click-option": () => choose(one("#subbtn")),
    "click-shape": () => click(shapes()),
    "click-tab": () => click(labelled("#area ul a", core.getUtterance().match(/Tab #\d/)[0])),
    "click-test": () => click(all("#subbtn")),
    "click-test-2": () => click(all("#subbtn")),
    "click-widget": () => click(widget(quoted())),
    "enter-password": () => form([[one("#password"), quoted()], [one("#verify"), quoted()]], one("#subbtn")),
    "enter-text": () => form([[one("#tt"), quoted()]], one("#subbtn")),
    "enter-text-dynamic": () => form([[one("#tt"), quoted()]], one("#subbtn")),
    "focus-text": () => click(all("#tt")),
    "focus-text-2": () => click([all("#area input")[Number(core.getUtterance().match(/\d/)[0]) - 1]]),
    "login-user": login,
    "simple-arithmetic": () => form([[one("#math-answer"), sum()]], one("#subbtn")),
  };

  // What can be clicked by mistake without ending the episode.
  const harmless = {
    "click-button": "#area input, #area span, #area div",
    "click-button-sequence": "#query",
    "click-checkboxes": "#boxes label",
    "click-collapsible": "#area h3, .ui-accordion-content",
    "click-dialog": ".ui-dialog-titlebar, #dialog p",
    "click-dialog-2": ".ui-dialog-titlebar, #dialog p",
    "click-link": "#area",
    "click-option": "#boxes label",
    "click-tab": "#area p",
    "enter-password": "#password, #verify, #area label",
    "enter-text": "#tt",
    "enter-text-dynamic": "#tt",
    "login-user": "#username, #password, #area label",
    "simple-arithmetic": "#math-answer, #math-problem",
  };

  const WINDOW = {left: 0, top: 0};
  const boxes = (element) => measure.visible(element, element.getBoundingClientRect(), WINDOW);
  const order = (a, b) => a[0][1] - b[0][1] || a[0][0] - b[0][0];

  // A step with every box in which it may be done, the best box of the first element (in reading order) first.
  const locate = (step) => {
    if (!step) return null;
    const seen = step.elements.map(boxes).filter((found) => found.length).sort(order);
    if (!seen.length) return null;
    const rest = seen.slice(1).map((found) => found[0]).concat(seen.flatMap((found) => found.slice(1)));
    return {kind: step.kind, text: step.text || "", boxes: [seen[0][0], ...rest]};
  };

  const expected = (task) => WOB_DONE_GLOBAL ? null : locate(tasks[task]());

  const places = (selector) => all(selector)
    .map((element) => measure.clip(element.getBoundingClientRect(), WINDOW)).filter(Boolean);

  const mistakes = (task) => places(harmless[task] || "#query");

  const state = () => ({done: WOB_DONE_GLOBAL, reward: WOB_DONE_GLOBAL ? WOB_RAW_REWARD_GLOBAL : 0});

  // No caret, which blinks, and nothing that moves.
  const STILL = "* { caret-color: transparent !important; transition: none !important; animation: none !important; }";

  const freeze = () => {
    if (one("#still")) return;
    const style = document.createElement("style");
    style.id = "still";
    style.textContent = STILL;
    document.head.appendChild(style);
  };

  const pictures = (sheet) => Array.from(sheet.cssRules).flatMap((rule) => {
    const found = rule.style ? rule.style.backgroundImage.matchAll(/url\("?([^")]+)"?\)/g) : [];
    return Array.from(found, (match) => new URL(match[1], sheet.href || document.baseURI).href);
  });

  // Resolves once every picture of the style sheets is there, and keeps them: icons that come late change the screen.
  const ready = async () => {
    const urls = new Set(Array.from(document.styleSheets).flatMap(pictures));
    window.pictures = await Promise.all(Array.from(urls, async (url) => {
      const image = new Image();
      image.src = url;
      await image.decode().catch(() => null); // some sheets name files that the package does not have
      return image;
    }));
    return urls.size;
  };

  // Begin the episode of `seed` without a clock: no time limit, and no timer that draws.
  const begin = (seed) => {
    freeze();
    if (document.activeElement) document.activeElement.blur();
    Math.seedrandom(seed);
    core.EPISODE_MAX_TIME = 1e9;
    core.startEpisodeReal();
    clearTimeout(core.EP_TIMER);
    clearInterval(core.CD_TIMER);
    window.scrollTo(0, 0);
    return core.getUtterance();
  };

  window.oracle = {begin, expected, form, locate, mistakes, places, ready, state};
})();
