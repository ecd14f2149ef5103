// Reads a laid-out page of tiles: what is written where, and what can be clicked where.
(() => {
  let wide = 160, high = 208;
  const within = (width, height) => { [wide, high] = [width, height]; };

  const pen = document.createElement("canvas").getContext("2d");

  // A rectangle of the window as whole pixels of the tile, or null where nothing of it shows.
  const clip = (rect, origin) => {
    const x0 = Math.max(0, Math.round(rect.left - origin.left)), y0 = Math.max(0, Math.round(rect.top - origin.top));
    const x1 = Math.min(wide, Math.round(rect.right - origin.left));
    const y1 = Math.min(high, Math.round(rect.bottom - origin.top));
    return x1 > x0 && y1 > y0 ? [x0, y0, x1, y1] : null;
  };

  const drawn = (character) => character > " " && character <= "~";

  // Whether a point of the window shows `element` or something inside it.
  const shows = (element, x, y) => {
    const hit = document.elementFromPoint(x, y);
    return hit !== null && (element === hit || element.contains(hit));
  };

  const textGlyphs = (root, origin, careful, out) => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const parent = node.parentElement, text = node.data;
      if (!text.trim() || parent.closest("option, textarea, script, style, [hidden]")) continue;
      for (let i = 0; i < text.length; i++) {
        if (!drawn(text[i])) continue;
        range.setStart(node, i);
        range.setEnd(node, i + 1);
        const rect = range.getBoundingClientRect(), box = clip(rect, origin);
        if (!box || rect.width === 0 || box[3] - box[1] < 0.5 * rect.height) continue;
        if (careful && !shows(parent, (rect.left + rect.right) / 2, (rect.top + rect.bottom) / 2)) continue;
        out.push([text[i], ...box]);
      }
    }
  };

  // The text inside a field is in no node: it is set again with the field's own font.
  const fieldGlyphs = (field, origin, careful, out) => {
    let text = field.value;
    if (field.tagName === "SELECT") text = field.selectedOptions.length ? field.selectedOptions[0].text : "";
    if (!text || ["password", "checkbox", "radio", "range"].includes(field.type)) return;
    const style = getComputedStyle(field), rect = field.getBoundingClientRect();
    pen.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    const size = pen.measureText("x"), tall = size.fontBoundingBoxAscent + size.fontBoundingBoxDescent;
    const px = (name) => parseFloat(style[name]);
    const left = rect.left + px("borderLeftWidth") + px("paddingLeft") + (field.tagName === "SELECT" ? 4 : 0);
    const right = rect.right - px("borderRightWidth") - (field.tagName === "SELECT" ? 16 : px("paddingRight"));
    const top = field.tagName === "TEXTAREA"
      ? rect.top + px("borderTopWidth") + px("paddingTop") : (rect.top + rect.bottom - tall) / 2;
    for (let i = 0; i < text.length; i++) {
      const x0 = left + pen.measureText(text.slice(0, i)).width - field.scrollLeft;
      const x1 = left + pen.measureText(text.slice(0, i + 1)).width - field.scrollLeft;
      if (!drawn(text[i]) || x1 > right + 1 || x0 < left - 1) continue;
      const box = clip({left: x0, right: x1, top, bottom: top + tall}, origin);
      if (!box || box[3] - box[1] < 0.5 * tall || (careful && !shows(field, (x0 + x1) / 2, top + tall / 2))) continue;
      out.push([text[i], ...box]);
    }
  };

  const glyphs = (root, origin, careful) => {
    const out = [];
    textGlyphs(root, origin, careful, out);
    for (const field of root.querySelectorAll("input, textarea, select")) fieldGlyphs(field, origin, careful, out);
    return out;
  };

  // The largest rectangle of true cells: [first column, first row, last column + 1, last row + 1, cells not `used`].
  const largest = (cells, used, columns, rows) => {
    let best = [0, 0, 0, 0, 0];
    for (let top = 0; top < rows; top++) {
      const free = new Array(columns).fill(true);
      for (let bottom = top; bottom < rows; bottom++) {
        let start = 0;
        for (let x = 0; x <= columns; x++) {
          if (x < columns) free[x] = free[x] && cells[bottom * columns + x];
          if (x < columns && free[x]) continue;
          if ((x - start) * (bottom + 1 - top) > best[4]) {
            let fresh = 0;
            for (let v = top; v <= bottom; v++) for (let u = start; u < x; u++) fresh += used[v * columns + u] ? 0 : 1;
            if (fresh > best[4]) best = [start, top, x, bottom + 1, fresh];
          }
          start = x + 1;
        }
      }
    }
    return best;
  };

  // Whether nothing covers `element` in its box: 7 x 5 points, corners among them.
  const open = (element, [x0, y0, x1, y1], origin) => {
    for (let v = 0; v <= 4; v++) {
      for (let u = 0; u <= 6; u++) {
        const x = x0 + 1 + (x1 - x0 - 2) * u / 6, y = y0 + 1 + (y1 - y0 - 2) * v / 4;
        if (!shows(element, origin.left + x, origin.top + y)) return false;
      }
    }
    return true;
  };

  // The rectangles in which a click meets `element`, the largest first: one, unless something covers a part of it.
  const visible = (element, rect, origin) => {
    const box = clip(rect, origin);
    if (!box) return [];
    if (open(element, box, origin)) return [box];
    // A click lies on the corner of a pixel, which matters where a thing is small.
    const small = Math.max(box[2] - box[0], box[3] - box[1]) <= 24, step = small ? 1 : 2;
    const columns = Math.ceil((box[2] - box[0]) / step), rows = Math.ceil((box[3] - box[1]) / step);
    const cells = [];
    for (let v = 0; v < rows; v++) {
      for (let u = 0; u < columns; u++) {
        const x = Math.min(box[0] + u * step + step - 1, box[2] - 0.5);
        const y = Math.min(box[1] + v * step + step - 1, box[3] - 0.5);
        cells.push(shows(element, origin.left + x, origin.top + y));
      }
    }
    const total = cells.filter(Boolean).length;
    if (total > 0.9 * cells.length) return [box];
    const out = [], used = new Array(cells.length).fill(false);
    while (out.length < 3) {
      const [x0, y0, x1, y1, fresh] = largest(cells, used, columns, rows);
      if (fresh < Math.max(4, 0.1 * total)) break;
      for (let v = y0; v < y1; v++) for (let u = x0; u < x1; u++) used[v * columns + u] = true;
      out.push([box[0] + x0 * step, box[1] + y0 * step,
        Math.min(box[2], box[0] + x1 * step), Math.min(box[3], box[1] + y1 * step)]);
    }
    return out;
  };

  const item = (element, origin, careful) => {
    const rects = element.getClientRects();
    if (rects.length !== 1) return null;
    const box = careful ? visible(element, rects[0], origin)[0] : clip(rects[0], origin);
    if (!box) return null;
    const x = Math.floor((box[0] + box[2]) / 2), y = Math.floor((box[1] + box[3]) / 2);
    if (!shows(element, origin.left + x + 0.5, origin.top + y + 0.5)) return null;
    return {role: element.dataset.role, name: element.dataset.name, box};
  };

  const tiles = () => Array.from(document.querySelectorAll(".tile"), (tile) => {
    const origin = tile.getBoundingClientRect(), careful = "careful" in tile.dataset;
    const pieces = Array.from(tile.querySelectorAll("[data-role]"), (element) => item(element, origin, careful));
    return {glyphs: glyphs(tile, origin, careful), items: pieces.filter(Boolean)};
  });

  window.measure = {clip, glyphs, tiles, visible, within};
})();
