// What draws the picker of each kind of field, and what looks at events besides.
({ list, calendar, clock, time, palette, suggest, bubble }) => {
  const dated = (field, tools) => calendar(field, tools, clock);
  const [suggests, warns] = [suggest(), bubble()];
  return {
    select: list,
    date: dated,
    week: dated,
    month: dated,
    "datetime-local": dated,
    time: (field, tools) => time(field, tools, clock),
    color: palette,
    also: (event, field, kit) => {
      warns(event, field, kit);
      suggests(event, field, kit);
    },
  };
}
