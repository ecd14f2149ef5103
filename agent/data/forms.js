// The right next action on one of our small pages. `goal` says what is to be entered, checked, counted and pressed.
(() => {
  const WINDOW = {left: 0, top: 0};
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const seen = (element) => measure.visible(element, element.getBoundingClientRect(), WINDOW).length > 0;
  const named = (caption) => all("button, a").filter((element) => element.textContent.trim() === caption);

  // Boxes that are in the wrong state; of options that exclude each other, the one that is asked for.
  const boxes = (goal) => all("label").filter((label) => {
    const box = label.querySelector("input"), wanted = box && goal.checked.includes(label.textContent.trim());
    return box && box.checked !== wanted && (wanted || box.type === "checkbox");
  });

  // Buttons of rows that are to be pressed and are not, or the other way round.
  const toggles = (goal) => all("button[aria-pressed]").filter((button) =>
    (button.getAttribute("aria-pressed") === "true") !== goal.checked.includes(button.parentElement.children[0].textContent));

  // The + or - of every count that is not right yet.
  const counters = (goal) => all("output").flatMap((output, i) => {
    const missing = goal.counts[i] - Number(output.textContent);
    return missing ? [missing > 0 ? output.nextElementSibling : output.previousElementSibling] : [];
  });

  // Of `goal.press`, what comes later is pressed as soon as it shows; the first once everything else is as it should be.
  const step = (goal) => {
    const [first, ...later] = goal.press;
    const opened = later.map((caption) => named(caption).filter(seen)).findLast((found) => found.length);
    if (opened) return {kind: "click", elements: opened};
    const wrong = [...boxes(goal), ...toggles(goal), ...counters(goal)];
    if (wrong.length) return {kind: "click", elements: wrong};
    const [button] = named(first);
    if (!button) return null;
    const fields = goal.values.map((text, i) => [document.getElementById(`field-${i}`), text]);
    return oracle.form(fields, button);
  };

  // Whether the page says that the goal is reached; "hidden" where it says so below what can be seen.
  const reached = (goal) => {
    const result = document.getElementById("result");
    if (result.textContent !== goal.result) return "";
    return result.getBoundingClientRect().bottom <= innerHeight ? "seen" : "hidden";
  };

  const look = (goal) => ({
    done: reached(goal) === "seen",
    expected: reached(goal) ? null : oracle.locate(step(goal)),
    mistakes: oracle.places("input, label, h1, button, a"),
    glyphs: measure.glyphs(document.body, WINDOW, true),
  });

  measure.within(innerWidth, innerHeight);

  // As the browser environment does it: a caret that blinks would be seen in every second picture.
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(":where(html) { caret-animation: manual }");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];

  window.forms = {look};
})();
