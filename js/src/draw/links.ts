/** Paints attention as lines between two columns: a colour for each head, opacity and width by weight. */

import { type Context2D, pixelRatio } from "./canvas.ts";

export interface Link {
  /** Heights of its two ends, in CSS pixels. */
  readonly from: number;
  readonly to: number;
  /** 0 to 1, already relative to what full strength means. */
  readonly strength: number;
}

export interface LinkStyle {
  readonly left: number;
  readonly right: number;
  readonly color: string;
  /** On a dark ground thin lines need more of their colour to be seen. */
  readonly dark: boolean;
}

/** The opacity of the weakest lines. */
const WEAKEST = { light: 0.06, dark: 0.1 };

const BUCKETS = 12;

/** Lines of one device pixel rasterise about ten times as fast as wider ones: so only the strongest are wide. */
const WIDE_LINES = 160;

/** A longer path is slower: the rasteriser sorts the edges of all its lines together. */
const LINES_A_PATH = 16;

/** Few strokes for many lines: lines of about the same strength share a path. The strongest come last, on top. */
export function paintLinks(context: Context2D, links: Iterable<Link>, style: LinkStyle): void {
  const buckets: Link[][] = Array.from({ length: BUCKETS }, () => []);
  for (const link of links) {
    const bucket = Math.min(BUCKETS - 1, Math.floor(link.strength * BUCKETS));
    if (bucket >= 0) (buckets[bucket] as Link[]).push(link);
  }
  const weakest = style.dark ? WEAKEST.dark : WEAKEST.light;
  const hairline = 1 / pixelRatio(context);
  const bend = (style.right - style.left) * 0.42;
  let stronger = buckets.reduce((sum, bucket) => sum + bucket.length, 0);
  context.save();
  context.strokeStyle = style.color;
  for (const [index, bucket] of buckets.entries()) {
    const strength = (index + 0.5) / BUCKETS;
    const wide = stronger <= WIDE_LINES || index === BUCKETS - 1;
    stronger -= bucket.length;
    context.globalAlpha = weakest + (1 - weakest) * strength;
    context.lineWidth = wide ? Math.max(hairline, 0.8 + 2.4 * strength) : hairline;
    const together = wide ? 1 : LINES_A_PATH;
    for (let first = 0; first < bucket.length; first += together) {
      context.beginPath();
      for (let i = first; i < Math.min(bucket.length, first + together); i++) {
        const { from, to } = bucket[i] as Link;
        context.moveTo(style.left, from);
        context.bezierCurveTo(style.left + bend, from, style.right - bend, to, style.right, to);
      }
      context.stroke();
    }
  }
  context.restore();
}
