// The suggestions of a text field with a datalist, as a list below it; what is typed still goes to the field.
() => {
  const KINDS = ["text", "search", "url", "tel", "email", "number"];
  const list = (field, { make, read, write, close, panel }, options) => {
    const rows = options.map((each) => {
      const row = make("div", { className: "row", role: "option", textContent: each.value, data: { value: each.value } });
      if (each.label && each.label !== each.value) row.append(make("small", { textContent: `  ${each.label}` }));
      return row;
    });
    let at = -1;
    const move = (to) => {
      rows[at]?.classList.remove("here");
      at = (to + rows.length) % rows.length;
      rows[at].classList.add("here");
      rows[at].scrollIntoView({ block: "nearest" });
    };
    const commit = (row) => {
      close();
      if (row.dataset.value !== read(field)) write(field, row.dataset.value, "input", "change");
    };
    const key = ({ key: name }) => {
      if (name === "ArrowDown" || name === "ArrowUp") move(name === "ArrowDown" ? at + 1 : Math.max(at, 0) - 1);
      else if (name === "Enter" && at >= 0) commit(rows[at]);
      else if (name === "Escape") close();
      else return false;
      return true;
    };
    panel.append(...rows);
    return {
      modal: false,
      wide: true,
      key,
      press: (found) => {
        const row = found?.closest(".row");
        if (row) commit(row);
      },
    };
  };
  return (event, field, { shown, show, tools }) => {
    if (field?.localName !== "input" || !KINDS.includes(field.type) || !field.list) return;
    if (event.type === "focusout" && shown?.field === field) tools.close();
    const arrow = event.type === "keydown" && event.key === "ArrowDown" && field.type !== "number";
    const asked = event.type === "click" || (event.type === "input" && event.isTrusted) || (arrow && !shown);
    if (!asked || field.readOnly || field.disabled) return;
    const text = tools.read(field).trim().toLowerCase();
    const fits = (each) => `${each.value}\n${each.label}`.toLowerCase().includes(text);
    const options = [...field.list.options].filter((each) => !each.disabled && each.value && fits(each));
    if (options.length && !(options.length === 1 && options[0].value === tools.read(field))) {
      show(field, list, options.slice(0, 100));
    } else if (shown?.field === field) tools.close();
  };
}
