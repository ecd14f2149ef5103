// Knows, for the page as it stands, what a right next action is. It reads the page and changes nothing in it.
// What is right on which page is told to it by the files in answers/, through `learn`.
(() => {
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const one = (selector) => document.querySelector(selector);
  const quoted = () => core.getUtterance().match(/"(.*)"/)[1];
  const shown = (element) => element.getClientRects().length > 0;
  const labelled = (selector, text) => all(selector).filter((element) => element.textContent.trim() === text);

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

  // Of each task: what is right, and what can be clicked by mistake without ending the episode.
  const answers = {};
  const learn = (task, right, harmless = "#query") => {
    answers[task] = {right, harmless};
  };

  const WINDOW = {left: 0, top: 0};
  const boxes = (element) => measure.visible(element, element.getBoundingClientRect(), WINDOW);
  const order = (a, b) => a[0][1] - b[0][1] || a[0][0] - b[0][0];

  // A step with every box in which it may be done, the best box of the first element (in reading order) first.
  // A step that names its boxes itself is taken at its word.
  const locate = (step) => {
    if (!step) return null;
    const found = step.boxes ? step.boxes.map((box) => [box]) : step.elements.map(boxes);
    const seen = found.filter((each) => each.length).sort(order);
    if (!seen.length) return null;
    const rest = seen.slice(1).map((each) => each[0]).concat(seen.flatMap((each) => each.slice(1)));
    return {kind: step.kind, text: step.text || "", boxes: [seen[0][0], ...rest]};
  };

  const expected = (task) => WOB_DONE_GLOBAL ? null : locate(answers[task].right());

  const places = (selector) => all(selector)
    .map((element) => measure.clip(element.getBoundingClientRect(), WINDOW)).filter(Boolean);

  const mistakes = (task) => places(answers[task].harmless);

  const state = () => ({done: WOB_DONE_GLOBAL, reward: WOB_DONE_GLOBAL ? WOB_RAW_REWARD_GLOBAL : 0});

  // No caret, which blinks, and nothing that moves.
  const STILL = "* { caret-color: transparent !important; transition: none !important; animation: none !important; }";

  // Animations end as they begin, so that what is seen at rest does not hang on how busy the machine is.
  const freeze = () => {
    if (window.jQuery) jQuery.fx.off = true;
    if (one("#still")) return;
    const style = document.createElement("style");
    style.id = "still";
    style.textContent = STILL;
    document.head.appendChild(style);
  };

  const pictures = (sheet) => Array.from(sheet.cssRules).flatMap((rule) => {
    const named = rule.style ? `${rule.style.backgroundImage} ${rule.style.content}` : "";
    const found = Array.from(named.matchAll(/url\("?([^")]+)"?\)/g), (match) => match[1]);
    return found.map((url) => new URL(url, sheet.href || document.baseURI).href);
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
    for (const input of all("input[type=radio], input[type=checkbox]")) input.checked = input.defaultChecked;
    Math.seedrandom(seed);
    core.EPISODE_MAX_TIME = 1e9;
    core.startEpisodeReal();
    clearTimeout(core.EP_TIMER);
    clearInterval(core.CD_TIMER);
    window.scrollTo(0, 0);
    return core.getUtterance();
  };

  window.oracle = {
    all, begin, click, expected, form, labelled, learn, locate, mistakes, one, places, quoted, ready, shown, state,
  };
})();
