// A calendar for date, week, month and datetime-local fields; the last one has the hours and minutes below.
(field, { make, read, write, allows, close, panel }, clock) => {
  const DAY = 86_400_000;
  const kind = field.type;
  const two = (number, length = 2) => String(number).padStart(length, "0");
  const day = (date) => `${two(date.getUTCFullYear(), 4)}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
  const utc = (year, month, date) => {
    const made = new Date(0);
    made.setUTCFullYear(year, month, date); // Date.UTC would take the year 99 for 1999
    return made;
  };
  const thursday = (date) => new Date(date.getTime() + (3 - ((date.getUTCDay() + 6) % 7)) * DAY); // of the same week
  const week = (date) => {
    const middle = thursday(date);
    const number = 1 + Math.floor((middle - Date.UTC(middle.getUTCFullYear(), 0, 1)) / (7 * DAY));
    return `${two(middle.getUTCFullYear(), 4)}-W${two(number)}`;
  };
  const time = () => read(field).split("T")[1] || "00:00";
  const writes = {
    date: day,
    week,
    month: (date) => day(date).slice(0, 7),
    "datetime-local": (date) => `${day(date)}T${time()}`,
  };
  const today = () => {
    const now = new Date();
    return new Date(Date.UTC(now.getFullYear(), now.getMonth(), now.getDate()));
  };
  const reads = (text) => {
    const [year, rest = "1", date = "1"] = text.split("T")[0].split("-");
    if (!text) return null;
    if (kind !== "week") return new Date(`${year}-${rest.padStart(2, "0")}-${date.padStart(2, "0")}T00:00Z`);
    const first = utc(Number(year), 0, 4); // lies in the first week
    return new Date(first.getTime() + ((Number(rest.slice(1)) - 1) * 7 - ((first.getUTCDay() + 6) % 7)) * DAY);
  };
  const start = () => {
    const [least, most] = [reads(field.min), reads(field.max)];
    const now = today();
    return least && now < least ? least : most && now > most ? most : now;
  };
  const locale = new Intl.Locale(navigator.language || "en-US");
  const info = locale.getWeekInfo?.() ?? locale.weekInfo ?? { firstDay: 7 };
  const first = kind === "week" ? 1 : info.firstDay % 7; // as getUTCDay counts
  const name = (date, format) => new Intl.DateTimeFormat(locale, { ...format, timeZone: "UTC" }).format(date);
  let here = reads(read(field)) || start();
  if (Number.isNaN(here.getTime())) here = today();

  const button = (words, label, data, more = "") =>
    make("button", { textContent: words, ariaLabel: label, className: more, data, tabIndex: -1 });
  const mark = (made, date) => {
    const value = writes[kind](date);
    if (value === read(field)) made.classList.add("set");
    if (writes[kind](here) === value) made.classList.add("here");
    // A time that is not allowed on that day may still be changed to one that is.
    if (kind !== "datetime-local" && !allows(field, value)) made.ariaDisabled = "true";
    return made;
  };
  const months = () => {
    const cells = [...Array(12).keys()].map((month) => {
      const date = utc(here.getUTCFullYear(), month, 1);
      const label = name(date, { month: "long", year: "numeric" });
      return mark(button(name(date, { month: "short" }), label, { day: day(date) }), date);
    });
    const grid = make("div", { className: "grid" }, ...cells);
    grid.style.gridTemplateColumns = "repeat(4, 1fr)";
    return grid;
  };
  const days = () => {
    const [year, month] = [here.getUTCFullYear(), here.getUTCMonth()];
    const shift = (utc(year, month, 1).getUTCDay() - first + 7) % 7;
    const cells = kind === "week" ? [make("i")] : [];
    for (let each = 0; each < 7; each += 1) {
      cells.push(make("i", { textContent: name(new Date(DAY * (each + first + 3)), { weekday: "short" }) }));
    }
    for (let each = 0; each < 42; each += 1) {
      const date = utc(year, month, 1 - shift + each);
      if (kind === "week" && each % 7 === 0) cells.push(make("i", { className: "edge", textContent: week(date).slice(5) }));
      const label = name(date, { day: "numeric", month: "long", year: "numeric" });
      const out = date.getUTCMonth() === month ? "" : "out";
      cells.push(mark(button(String(date.getUTCDate()), label, { day: day(date) }, out), date));
    }
    const grid = make("div", { className: "grid" }, ...cells);
    grid.style.gridTemplateColumns = kind === "week" ? "40px repeat(7, 1fr)" : "repeat(7, 1fr)";
    return grid;
  };
  const dial = kind === "datetime-local" ? clock(field, make, time, (text) => pick(here, text)) : null;
  const draw = () => {
    const title = name(here, kind === "month" ? { year: "numeric" } : { month: "long", year: "numeric" });
    const [back, next] = [["«", "previous year", { months: -12 }], ["»", "next year", { months: 12 }]];
    const near = kind === "month" ? [] : [["‹", "previous month", { months: -1 }], ["›", "next month", { months: 1 }]];
    const bar = [button(...back), ...near.slice(0, 1).map((each) => button(...each)), make("b", { textContent: title }),
      ...near.slice(1).map((each) => button(...each)), button(...next)];
    const words = { week: "This week", month: "This month" }[kind] || "Today";
    const foot = [button("Clear", "Clear", { clear: "" }), button(words, words, { day: day(today()) })];
    if (dial) foot.push(button("Set", "Set", { done: "" }));
    panel.replaceChildren(make("div", { className: "bar" }, ...bar), kind === "month" ? months() : days(),
      ...(dial ? dial.draw() : []), make("div", { className: "bar" }, ...foot));
  };
  const pick = (date, text = null) => {
    here = date;
    const value = text === null ? writes[kind](date) : `${day(date)}T${text}`;
    if (!dial && !allows(field, value)) return draw();
    if (!dial) close();
    if (value !== read(field)) write(field, value, "input", "change");
    return dial ? draw() : null;
  };
  const turn = (months) => {
    const [year, month] = [here.getUTCFullYear(), here.getUTCMonth() + months];
    const last = utc(year, month + 1, 0).getUTCDate();
    const there = utc(year, month, Math.min(here.getUTCDate(), last));
    if (there.getUTCFullYear() >= 1 && there.getUTCFullYear() <= 9999) here = there;
    draw();
  };
  const press = (found) => {
    const hit = found?.closest("button");
    if (!hit || hit.ariaDisabled) return;
    const data = hit.dataset;
    if (data.months) turn(Number(data.months));
    else if (data.day) pick(new Date(`${data.day}T00:00Z`));
    else if ("clear" in data) {
      close();
      if (read(field)) write(field, "", "input", "change");
    } else if ("done" in data) close();
    else dial?.press(hit);
  };
  const key = (event) => {
    const [across, down] = { month: [1, 4], week: [7, 7] }[kind] || [1, 7];
    const steps = { ArrowLeft: -across, ArrowRight: across, ArrowUp: -down, ArrowDown: down };
    if (["Shift", "Control", "Alt", "Meta"].includes(event.key)) return false;
    if (event.key === "Escape" || event.key === "F4") close();
    else if (event.key in steps && kind === "month") turn(steps[event.key]);
    else if (event.key in steps) {
      here = new Date(here.getTime() + steps[event.key] * DAY);
      draw();
    } else if (event.key === "PageUp" || event.key === "PageDown") {
      turn((event.key === "PageUp" ? -1 : 1) * (event.shiftKey || kind === "month" ? 12 : 1));
    } else if (event.key === "Enter" || event.key === " ") {
      pick(here);
      if (dial) close();
    } else {
      close(); // what is typed is meant for the field itself
      return false;
    }
    return true;
  };
  draw();
  return { modal: true, key, press };
}
