// Pages on which things are clicked that are there from the first, one after the other.
(() => {
  const {all, click, labelled, learn, one, quoted} = oracle;
  const said = (pattern) => core.getUtterance().match(pattern)[1];

  // Boxes or options that are to be in a state, then the button.
  const choose = () => {
    const asked = said(/^Select (.*) and click Submit\.$/).split(", ");
    const wrong = all("#area label").filter((label) => {
      const box = label.querySelector("input"), wanted = asked.includes(label.textContent);
      return box.checked !== wanted && (wanted || box.type === "checkbox");
    });
    return click(wrong.length ? wrong : [one("#subbtn")]);
  };

  const widget = (kind) => all(`#area [data-type="${kind}"]`).map((element) => element.closest("label") || element);

  const dialog = (text) => text === "x"
    ? all(".ui-dialog-titlebar button") : labelled(".ui-dialog-buttonset button", text);

  const sequence = () => {
    if (buttonsPushed.length && buttonsPushed[0] !== "subbtn") return null;
    return click(all(buttonsPushed.length ? "#subbtn2" : "#subbtn"));
  };

  // What can be said of a shape: its size and colour, and what it is.
  const told = (shape) => {
    const name = {circle: "circle", rect: "rectangle", polygon: "triangle"}[shape.tagName];
    const written = shape.textContent;
    const tall = name ? shape.getBBox().width : parseFloat(shape.getAttribute("font-size"));
    return {
      looks: [tall > 15 ? "large" : "small", shape.getAttribute("fill")],
      kinds: name ? [name, "shape"] : [written, /\d/.test(written) ? "digit" : "letter"],
    };
  };

  // The shapes of the drawing that fit a request such as "Click on a small red letter".
  const shapes = () => {
    const words = core.getUtterance().split(" ").slice(3), kind = words.pop();
    return all("#area_svg > *").filter((shape) => {
      const {looks, kinds} = told(shape);
      return (kind === "item" || kinds.includes(kind)) && words.every((word) => looks.includes(word));
    });
  };

  const figure = () => {
    const {kinds} = told(one("#area_svg > *"));
    return all("#area-buttons button").filter((button) => kinds.includes(button.dataset.type));
  };

  learn("click-button", () => click(labelled("#area button", quoted())), "#area input, #area span, #area div");
  learn("click-button-sequence", sequence);
  learn("click-checkboxes", choose, "#boxes label");
  learn("click-checkboxes-large", choose, "#area label");
  learn("click-checkboxes-transfer", choose, "#boxes label");
  learn("click-color", () => click(all(`#area [data-color="${said(/the (\w+) colored/)}"]`)));
  learn("click-dialog", () => click(all("button.ui-button")), ".ui-dialog-titlebar, #dialog p");
  learn("click-dialog-2", () => click(dialog(quoted())), ".ui-dialog-titlebar, #dialog p");
  learn("click-link", () => click(labelled(".alink", quoted())), "#area");
  learn("click-option", choose, "#boxes label");
  learn("click-shape", () => click(shapes()));
  learn("click-tab", () => click(labelled("#area ul a", said(/(Tab #\d)/))), "#area p");
  learn("click-test", () => click(all("#subbtn")));
  learn("click-test-2", () => click(all("#subbtn")));
  learn("click-test-transfer", () => click(labelled("#area button", said(/button (\w+)\./))));
  learn("click-widget", () => click(widget(quoted())));
  learn("grid-coordinate", () => click([document.getElementById(said(/(\(.*\))/))]), "#area svg");
  learn("identify-shape", () => click(figure()), "#area_svg");
})();
