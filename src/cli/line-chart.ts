// A line chart as SVG text: points in, a small file out that a browser shows and a person can read.

export interface LineChart {
  readonly title: string
  readonly xLabel: string
  readonly yLabel: string
  readonly lines: readonly { readonly label: string; readonly color: string; readonly points: readonly Point[] }[]
}

export type Point = readonly [x: number, y: number]

const [width, height] = [640, 360]
const margin = { left: 56, right: 16, top: 36, bottom: 44 }

/** About five round numbers from `low` to `high`. */
export function ticks(low: number, high: number): number[] {
  const rough = (high - low || 1) / 5
  const magnitude = 10 ** Math.floor(Math.log10(rough))
  const step = magnitude * ([1, 2, 5, 10].find((factor) => factor * magnitude >= rough) ?? 10)
  const first = Math.ceil(low / step)
  const count = Math.floor(high / step + 1e-9) - first + 1
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)))
}

const escapeText = (text: string): string => text.replace(/[&<>]/g, (mark) => `&#${mark.charCodeAt(0)};`)
const round = (value: number): string => value.toFixed(1)

export function renderLineChart({ title, xLabel, yLabel, lines }: LineChart): string {
  const points = lines.flatMap((line) => line.points).filter((point) => point.every(Number.isFinite))
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)]
  const [left, right, top] = [Math.min(...xs, 0), Math.max(...xs, 1), Math.max(...ys, 1e-9)]
  const toX = (x: number) => margin.left + ((x - left) / (right - left)) * (width - margin.left - margin.right)
  const toY = (y: number) => height - margin.bottom - (y / top) * (height - margin.top - margin.bottom)
  const gridX = ticks(left, right).map((x) => text(toX(x), height - margin.bottom + 16, String(x), 'middle'))
  const gridY = ticks(0, top).map(
    (y) =>
      `<path d="M${margin.left} ${round(toY(y))}H${width - margin.right}" stroke="#ddd"/>` +
      text(margin.left - 8, toY(y) + 4, String(y), 'end'),
  )
  const curves = lines.map(({ color, points }) => {
    const path = points
      .filter((point) => point.every(Number.isFinite))
      .map(([x, y]) => `${round(toX(x))} ${round(toY(y))}`)
    return `<polyline fill="none" stroke="${color}" stroke-width="1.5" points="${path.join(' ')}"/>`
  })
  const legend = lines.map(({ label, color }, i) =>
    text(width - margin.right, margin.top + 4 + 16 * i, label, 'end', color),
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(margin.left, 20, title, 'start'),
    ...gridX,
    ...gridY,
    ...curves,
    ...legend,
    text((margin.left + width - margin.right) / 2, height - 8, xLabel, 'middle'),
    text(8, margin.top - 2, yLabel, 'start'),
    '</svg>\n',
  ].join('\n')
}

const text = (x: number, y: number, content: string, anchor: string, color = '#333'): string =>
  `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="${color}">${escapeText(content)}</text>`
