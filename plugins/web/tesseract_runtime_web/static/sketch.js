/** A small picture of an array in a form. */

/** Draw a vector as a line, and a matrix as shades; `value` is a list or a summary. */
export async function sketch(canvas, value, worker) {
  const rows = Array.isArray(value) ? listed(value) : await asked(value, worker);
  const numbers = rows.flat().filter(Number.isFinite);
  if (numbers.length === 0) canvas.hidden = true; // complex ones
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  const [context, { width, height }] = [canvas.getContext("2d"), canvas];
  const level = (number) => (number - least) / (most - least || 1);
  context.clearRect(0, 0, width, height);
  context.fillStyle = context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--accent");
  context.beginPath();
  const [high, wide] = [height / rows.length, width / rows[0].length];
  rows.forEach((row, y) => row.forEach((number, x) => {
    if (rows.length === 1) return context.lineTo(wide * (x + 0.5), 2 + (1 - level(number)) * (height - 4));
    context.globalAlpha = 0.08 + 0.92 * level(number);
    context.fillRect(x * wide, y * high, wide + 1, high + 1);
  }));
  context.globalAlpha = 1;
  context.stroke();
}

/** The last two axes of nested lists, at the beginning of the others. */
function listed(list) {
  if (Array.isArray(list[0]?.[0]?.[0])) return listed(list[0]);
  return (Array.isArray(list[0]) ? list : [list]).map((row) => row.map(Number));
}

async function asked({ array, shape }, worker) {
  if (shape.length === 1) return [(await worker.ask("line", [array, 0, shape[0]]))[1]];
  return (await worker.ask("plane", [array, 0, ...shape.slice(-2)])).z;
}
