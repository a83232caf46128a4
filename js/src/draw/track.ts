/**
 * A line's points sorted by x, with a pyramid over them, so that a picture of any part costs what its pixels cost and not
 * what its points do. Points come one by one; the arrays grow by doubling and the pyramid grows along.
 */

/** Buckets of each level hold this many of the level below, as a power of two. */
const SHIFT = 2;
/** No point of a bucket is finite. */
const NONE = 0xffffffff;

interface Level {
  /** For each bucket the point with the lowest and with the highest value, and what its finite values come to. */
  lowest: Uint32Array;
  highest: Uint32Array;
  sum: Float64Array;
  count: Uint32Array;
  length: number;
}

export class Track {
  length = 0;
  x = new Float64Array(16);
  y = new Float64Array(16);
  /** Where a point stands for several, its lowest and highest value; null as long as every point stands for itself. */
  low: Float64Array | null = null;
  high: Float64Array | null = null;
  /** Rises when points that were there have moved: what was made from them is to be made again. */
  generation = 0;
  #levels: Level[] = [];
  /** The points that are not finite, in order. */
  #odd: number[] = [];
  /** From here on the points wait to be sorted. */
  #sorted = 0;

  push(x: number, y: number, low = y, high = y): void {
    if (Number.isNaN(x)) return;
    const at = this.length;
    if (at === this.x.length) this.#grow();
    this.x[at] = x;
    this.y[at] = y;
    if (this.low === null && (low !== y || high !== y) && !(Number.isNaN(y) && Number.isNaN(low))) {
      this.low = this.y.slice();
      this.high = this.y.slice();
    }
    if (this.low && this.high) {
      this.low[at] = low;
      this.high[at] = high;
    }
    this.length = at + 1;
    if (this.#sorted < at || (at > 0 && x < (this.x[at - 1] as number))) return;
    this.#sorted = at + 1;
    this.#index(at);
  }

  /** Points that came out of order are put in their place. Those with the same x stay as they came. */
  settle(): void {
    if (this.#sorted >= this.length) return;
    const tail = Array.from({ length: this.length - this.#sorted }, (_, i) => this.#sorted + i);
    tail.sort((a, b) => (this.x[a] as number) - (this.x[b] as number) || a - b);
    const first = this.#after(this.x[tail[0] as number] as number, this.#sorted);
    const order = new Uint32Array(this.length - first);
    let [head, late] = [first, 0];
    for (let at = 0; at < order.length; at++) {
      const next = tail[late];
      const takesHead =
        next === undefined || (head < this.#sorted && (this.x[head] as number) <= (this.x[next] as number));
      order[at] = takesHead ? head++ : (tail[late++] as number);
    }
    for (const values of [this.x, this.y, this.low, this.high]) {
      if (!values) continue;
      const before = values.slice();
      for (const [at, from] of order.entries()) values[first + at] = before[from] as number;
    }
    this.#sorted = this.length;
    this.generation += 1;
    this.#levels = [];
    this.#odd = [];
    for (let at = 0; at < this.length; at++) this.#index(at);
  }

  clear(): void {
    this.length = this.#sorted = 0;
    [this.low, this.high, this.#levels, this.#odd] = [null, null, [], []];
    this.generation += 1;
  }

  /** The first point with an x of at least this. */
  first(x: number): number {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.x[middle] as number) < x) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The point whose x is nearest; the newest of those with the same x. -1 where there is none. */
  nearest(x: number): number {
    const after = this.#after(x, this.length);
    if (after === 0) return this.length ? this.#after(this.x[0] as number, this.length) - 1 : -1;
    if (after === this.length || x - (this.x[after - 1] as number) <= (this.x[after] as number) - x) return after - 1;
    return this.#after(this.x[after] as number, this.length) - 1;
  }

  /** Not finite points from `from` up to `to`: their places. */
  *odd(from: number, to: number): Generator<number> {
    let [low, high] = [0, this.#odd.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#odd[middle] as number) < from) low = middle + 1;
      else high = middle;
    }
    for (; low < this.#odd.length && (this.#odd[low] as number) < to; low++) yield this.#odd[low] as number;
  }

  lowAt(at: number): number {
    return (this.low ?? this.y)[at] as number;
  }

  highAt(at: number): number {
    return (this.high ?? this.y)[at] as number;
  }

  /**
   * Calls `tell` for stretches of points that cover those from `from` to `to` and hold at most `most` points: with the places
   * of the lowest and the highest one, and the sum and number of finite values. A stretch without finite values is left out.
   */
  stretches(
    from: number,
    to: number,
    most: number,
    tell: (lowest: number, highest: number, sum: number, count: number, first: number) => void,
  ): void {
    let depth = 0;
    while (depth < this.#levels.length && 2 ** (SHIFT * (depth + 1)) <= most) depth += 1;
    if (depth === 0) {
      for (let at = from; at < to; at++) {
        const value = this.y[at] as number;
        if (Number.isFinite(value)) tell(at, at, value, 1, at);
      }
      return;
    }
    const level = this.#levels[depth - 1] as Level;
    const shift = SHIFT * depth;
    const last = Math.min(level.length, ((to - 1) >>> shift) + 1);
    for (let bucket = from >>> shift; bucket < last; bucket++) {
      const count = level.count[bucket] as number;
      if (count === 0) continue;
      const first = bucket << shift;
      tell(level.lowest[bucket] as number, level.highest[bucket] as number, level.sum[bucket] as number, count, first);
    }
  }

  #after(x: number, length: number): number {
    let [low, high] = [0, length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.x[middle] as number) <= x) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #grow(): void {
    this.x = doubled(this.x);
    this.y = doubled(this.y);
    if (this.low && this.high) [this.low, this.high] = [doubled(this.low), doubled(this.high)];
  }

  #index(at: number): void {
    const value = this.y[at] as number;
    if (!Number.isFinite(value)) this.#odd.push(at);
    for (let depth = 0; ; depth++) {
      const bucket = at >>> (SHIFT * (depth + 1));
      let level = this.#levels[depth];
      if (!level) {
        // Below this level everything is in one bucket: a level over that would say nothing more.
        const under = this.#levels[depth - 1];
        if (under ? under.length < 2 : at < 1) return;
        level = emptyLevel();
        this.#levels.push(level);
        this.#seed(level, under, at);
      }
      if (bucket >= level.length) this.#open(level);
      this.#add(level, bucket, at, value);
    }
  }

  /** A new level's first bucket holds what came before the point at `at`. */
  #seed(level: Level, under: Level | undefined, at: number): void {
    this.#open(level);
    if (!under) {
      for (let point = 0; point < at; point++) this.#add(level, 0, point, this.y[point] as number);
      return;
    }
    for (const of of ["lowest", "highest", "sum", "count"] as const) level[of][0] = under[of][0] as number;
  }

  #open(level: Level): void {
    const bucket = level.length;
    if (bucket === level.count.length) {
      level.lowest = doubled(level.lowest);
      level.highest = doubled(level.highest);
      level.sum = doubled(level.sum);
      level.count = doubled(level.count);
    }
    level.lowest[bucket] = level.highest[bucket] = NONE;
    level.sum[bucket] = level.count[bucket] = 0;
    level.length = bucket + 1;
  }

  #add(level: Level, bucket: number, at: number, value: number): void {
    if (!Number.isFinite(value)) return;
    const [lowest, highest] = [level.lowest[bucket] as number, level.highest[bucket] as number];
    if (lowest === NONE || this.lowAt(at) < this.lowAt(lowest)) level.lowest[bucket] = at;
    if (highest === NONE || this.highAt(at) > this.highAt(highest)) level.highest[bucket] = at;
    level.sum[bucket] = (level.sum[bucket] as number) + value;
    level.count[bucket] = (level.count[bucket] as number) + 1;
  }
}

function emptyLevel(): Level {
  return {
    lowest: new Uint32Array(4),
    highest: new Uint32Array(4),
    sum: new Float64Array(4),
    count: new Uint32Array(4),
    length: 0,
  };
}

function doubled<A extends Float64Array | Uint32Array>(array: A): A {
  const grown = new (array.constructor as new (length: number) => A)(2 * array.length);
  grown.set(array);
  return grown;
}
