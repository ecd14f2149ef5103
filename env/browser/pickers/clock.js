// Hours, minutes and, where the field counts them, seconds: every number to be seen and clicked without scrolling.
// For a field of type time it is a whole picker, for datetime-local a part of the calendar.
(field, make, time, pick) => {
  const two = (number) => String(number).padStart(2, "0");
  const step = Number(field.step) || 60;
  const parts = [["hour", 24, 12], ["minute", 60, 12], ...(step % 60 || field.step === "any" ? [["second", 60, 12]] : [])];
  const split = () => {
    const [hour = "00", minute = "00", second = "00"] = time().split(":");
    return [hour, minute, second.slice(0, 2)];
  };
  return {
    draw: () => parts.flatMap(([name, count, columns], place) => {
      const now = split()[place];
      const cells = [...Array(count).keys()].map((number) => {
        const data = { place, number: two(number) };
        const cell = make("button", { textContent: two(number), ariaLabel: `${name} ${two(number)}`, data, tabIndex: -1 });
        if (time() && two(number) === now) cell.classList.add("set");
        return cell;
      });
      const grid = make("div", { className: "grid dial" }, ...cells);
      grid.style.gridTemplateColumns = `repeat(${columns}, 1fr)`;
      return [make("div", { className: "name", textContent: name }), grid];
    }),
    press: (hit) => {
      if (!("place" in hit.dataset)) return;
      const all = split();
      all[Number(hit.dataset.place)] = hit.dataset.number;
      pick(all.slice(0, Math.max(parts.length, 2)).join(":"));
    },
    // By keys: up and down change the hour, left and right the minute.
    turned: (key) => {
      const all = split().map(Number);
      const jump = Math.max(1, Math.min(30, Math.floor((step % 3600) / 60) || 1));
      if (key === "ArrowUp" || key === "ArrowDown") all[0] = (all[0] + (key === "ArrowDown" ? 1 : 23)) % 24;
      else all[1] = (all[1] + (key === "ArrowRight" ? jump : 60 - jump)) % 60;
      return all.map(two).slice(0, Math.max(parts.length, 2)).join(":");
    },
  };
}
