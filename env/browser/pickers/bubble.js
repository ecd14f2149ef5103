// What is wrong with a field, below it, when a form is refused: Chromium's own bubble fades in and out by a clock.
() => {
  const { later } = window[Symbol.for("handeye.quiet")];
  const { preventDefault } = Event.prototype;
  const { focus } = HTMLElement.prototype;
  let quietly = 0; // checkValidity tells the page alone
  let first = null;
  for (const each of [HTMLFormElement, HTMLFieldSetElement, HTMLInputElement, HTMLSelectElement, HTMLTextAreaElement,
    HTMLButtonElement, HTMLOutputElement, HTMLObjectElement, ElementInternals]) {
    each.prototype.checkValidity = new Proxy(each.prototype.checkValidity, {
      apply: (target, self, args) => {
        quietly += 1;
        try { return Reflect.apply(target, self, args); } finally { quietly -= 1; }
      },
    });
  }
  const words = (field, { make, close, panel }) => {
    const hint = field.validity.patternMismatch && field.title ? `\n${field.title}` : "";
    const text = make("div", { className: "bubble", role: "alert", textContent: field.validationMessage + hint });
    text.style.whiteSpace = "pre-line";
    panel.append(text);
    return {
      modal: false,
      key: ({ key }) => {
        if (key === "Escape") close();
        return key === "Escape";
      },
      press: close,
    };
  };
  return (event, field, { shown, show, tools }) => {
    if (["focusout", "input"].includes(event.type) && shown?.field === field && !shown.view.modal) tools.close();
    if (event.type !== "invalid" || quietly || !field?.validationMessage) return;
    const last = (late) => {
      if (late.defaultPrevented) return;
      const drawn = field.getClientRects().length > 0;
      if (!drawn) return;
      preventDefault.call(late);
      if (first) return;
      first = field;
      later(() => {
        first = null;
        focus.call(field);
        if (field.validationMessage) show(field, words);
      }, 0);
    };
    field.addEventListener("invalid", last, { once: true });
  };
}
