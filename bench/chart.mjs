// A picture of times on a logarithmic axis: a row for each way, a point in it for each version of Node.

const WIDTH = 760;
const LABELS = 170;
const RIGHT = 90;
const ROW = 24;
const HEAD = 34;
const MARGIN = 16;
const FOOT = 26;

const escaped = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** 1, 10, 100: the powers of ten that hold all values between them. */
function decades(values) {
  const from = Math.floor(Math.log10(Math.min(...values)));
  const to = Math.ceil(Math.log10(Math.max(...values)));
  return Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i));
}

const microseconds = (value) => `${value >= 10 ? value.toFixed(0) : value.toFixed(1)} µs`;

function panel({ title, rows }, top) {
  const marks = decades(rows.flatMap(({ points }) => points.map(({ us }) => us)));
  const [first, last] = [marks[0], marks.at(-1)];
  const x = (us) =>
    LABELS + (Math.log10(us / first) / Math.log10(last / first)) * (WIDTH - LABELS - RIGHT);
  const bottom = top + HEAD + rows.length * ROW;
  const parts = [`<text x="${MARGIN}" y="${top + 14}" class="title">${escaped(title)}</text>`];
  for (const mark of marks) {
    const at = x(mark).toFixed(1);
    parts.push(`<line x1="${at}" x2="${at}" y1="${top + HEAD - 4}" y2="${bottom}"/>`);
    parts.push(`<text x="${at}" y="${bottom + 13}" class="mark">${mark} µs</text>`);
  }
  rows.forEach(({ label, points }, i) => {
    const y = top + HEAD + (i + 0.5) * ROW;
    parts.push(`<text x="${LABELS - 10}" y="${y + 4}" class="label">${escaped(label)}</text>`);
    for (const { runtime, us } of points) {
      const kind = runtime === '' ? 'native' : `v${runtime.match(/\d+/)?.[0]}`;
      const hint = `${label}${runtime && `, ${runtime}`}: ${microseconds(us)}`;
      parts.push(
        `<circle cx="${x(us).toFixed(1)}" cy="${y}" r="5" class="${kind}"><title>${escaped(hint)}</title></circle>`,
      );
    }
    const slowest = Math.max(...points.map(({ us }) => us));
    const newest = points.at(-1);
    parts.push(
      `<text x="${(x(slowest) + 12).toFixed(1)}" y="${y + 4}" class="value">${microseconds(newest.us)}</text>`,
    );
  });
  return { parts, bottom: bottom + FOOT };
}

/**
 * @param panels title and rows: label and points, each a time in microseconds and the runtime that took it
 * @param caption what the points are, and where and when they were measured
 */
export function chart(panels, caption) {
  let top = MARGIN;
  const parts = [];
  for (const each of panels) {
    const drawn = panel(each, top);
    parts.push(...drawn.parts);
    top = drawn.bottom;
  }
  for (const line of caption) {
    top += 16;
    parts.push(`<text x="${MARGIN}" y="${top - 8}" class="caption">${escaped(line)}</text>`);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${top + 6}" role="img" aria-label="${escaped(panels.map(({ title }) => title).join('; '))}">
<style>
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
.title { font-weight: 600; } .label { text-anchor: end; } .mark, .caption { font-size: 11px; fill: #656d76; } .mark { text-anchor: middle; }
.value { font-size: 11px; } line { stroke: #d0d7de; } rect { fill: #ffffff; }
.native { fill: #656d76; } .v20 { fill: #b6e3ff; } .v22 { fill: #54aeff; } .v24 { fill: #0969da; } .v26 { fill: #0a3069; } circle { stroke: #ffffff; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .mark, .caption, .native { fill: #8d96a0; } line { stroke: #30363d; } rect { fill: #0d1117; }
  .v26 { fill: #cae8ff; } .v24 { fill: #80ccff; } .v22 { fill: #388bfd; } .v20 { fill: #1158c7; } circle { stroke: #0d1117; }
}
</style>
<rect width="100%" height="100%" rx="8"/>
${parts.join('\n')}
</svg>
`;
}
