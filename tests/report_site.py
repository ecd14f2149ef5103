"""A small shop whose every page differs from the one before, and long runs through it in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

from actions import Action, Click, Key, Point, Scroll, Type

SIZE = (1288, 728)
"""What a browser shows by default elsewhere in the tests of the report."""

SHOP = """<!doctype html><meta charset=utf-8><title>Shop</title><style>
body { margin: 0; font: 15px/1.5 sans-serif; color: #222; background: #f4f5f7 }
header { background: linear-gradient(90deg, #1b3a6b, #2f6fde); color: #fff; padding: 14px 24px; font-size: 20px }
main { display: grid; grid-template-columns: 260px 1fr; gap: 18px; padding: 18px 24px }
nav a { display: block; padding: 6px 10px; color: #1b3a6b; border-bottom: 1px solid #dde }
.grid { display: grid; grid-template-columns: repeat(3, 1fr); gap: 14px }
.card { background: #fff; border-radius: 8px; padding: 12px; box-shadow: 0 1px 4px #0003 }
canvas { width: 100%; height: 110px; border-radius: 6px } input { font: inherit; padding: 6px 10px; width: 300px }
</style><header>Handmade goods <small id=count></small></header><main><nav id=nav></nav>
<section><p><input id=find aria-label=Find placeholder="Find a thing"> <span id=said></span></p>
<div class=grid id=grid></div></section></main><script>
let page = 0;
const random = (seed) => () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
const NOUNS = ['kettle', 'lamp', 'basket', 'quilt', 'bowl', 'clock', 'bench', 'mirror', 'rug', 'vase', 'stool', 'jug'];
const KINDS = ['oak', 'brass', 'linen', 'blue', 'glazed', 'woven', 'old', 'tall', 'round', 'painted'];
function picture(canvas, next, grain) {           // a soft picture with a little grain, as photographs have
  canvas.width = 280; canvas.height = 110;
  const pen = canvas.getContext('2d'), hue = next() * 360;
  const sky = pen.createLinearGradient(0, 0, 280, 110);
  sky.addColorStop(0, `hsl(${hue} 60% 70%)`); sky.addColorStop(1, `hsl(${hue + 60} 50% 35%)`);
  pen.fillStyle = sky; pen.fillRect(0, 0, 280, 110);
  for (let n = 0; n < 9; n++) {
    pen.fillStyle = `hsl(${hue + n * 20} 50% ${30 + n * 5}% / .5)`;
    pen.beginPath(); pen.arc(next() * 280, next() * 110, 8 + next() * 40, 0, 7); pen.fill();
  }
  const data = pen.getImageData(0, 0, grain ? 280 : 1, 110);
  for (let n = 0; n < data.data.length; n += 4) data.data[n + n / 4 % 3] += next() * 6 - 3;
  pen.putImageData(data, 0, 0);
}
function draw() {
  const next = random(page * 7919 + 17), one = (list) => list[Math.floor(next() * list.length)];
  document.title = `Shop, page ${page}`;
  document.getElementById('count').textContent = `page ${page}, ${Math.floor(next() * 900 + 100)} things`;
  document.getElementById('nav').replaceChildren(...Array.from({ length: 14 }, () =>
    Object.assign(document.createElement('a'), { textContent: `${one(KINDS)} ${one(NOUNS)}s` })));
  document.getElementById('grid').replaceChildren(...Array.from({ length: 9 }, (_, number) => {
    const card = document.createElement('div'), canvas = document.createElement('canvas');
    card.className = 'card'; picture(canvas, next, number < 3);
    const words = Array.from({ length: 14 }, () => `${one(KINDS)} ${one(NOUNS)}`).join(', ');
    card.append(canvas, Object.assign(document.createElement('b'), { textContent: `A ${one(KINDS)} ${one(NOUNS)}` }),
      Object.assign(document.createElement('p'), { textContent: words }));
    return card;
  }));
}
addEventListener('click', (event) => {
  if (event.target.id !== 'find') { page += 1; draw(); }
});
document.getElementById('find').addEventListener('input', (event) => {
  document.getElementById('said').textContent = `${event.target.value.length * 3} things found`;
});
draw();
</script>"""


def stroll(steps: int) -> Iterator[Action]:
    """So many actions in the shop: new pages, words typed, scrolling, a key now and then."""
    for number in range(steps):
        match number % 5:
            case 0 | 3:
                yield Click(at=Point(x=400 + number % 97, y=300 + number % 89))
            case 1:
                yield Type(text=f"oak {number}", at=Point(x=400, y=104), replace=True)
            case 2:
                yield Scroll(at=Point(x=700, y=500), dy=120 + number)
            case _:
                yield Key(keys=("home",))
