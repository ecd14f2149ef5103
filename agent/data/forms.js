// The right next action on one of our small form pages. `goal` says what is to be entered, checked and pressed.
(() => {
  const all = (selector) => Array.from(document.querySelectorAll(selector));

  const step = (goal) => {
    const button = all("button, a").find((element) => element.textContent === goal.press);
    if (!button) return null;
    const wrong = all("label").filter((label) => label.querySelector("input")
      && label.control.checked !== goal.checked.includes(label.textContent.trim()));
    if (wrong.length) return {kind: "click", elements: wrong};
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
    glyphs: measure.glyphs(document.body, {left: 0, top: 0}, true),
  });

  // As the browser environment does it: a caret that blinks would be seen in every second picture.
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(":where(html) { caret-animation: manual }");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];

  window.forms = {look};
})();
