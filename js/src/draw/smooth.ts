/**
 * A smoothed line: an exponential moving average of all points of a track, not of those that are drawn, so that it does not
 * change with the zoom. Weights fall with the distance in x and not with the number of points: a validation that is logged once
 * an epoch is not smoothed over all epochs, and does not lag behind a training that is logged at every step. It is debiased: it
 * starts at the first value, not near zero. Points that are not finite are left out of it, and break the smoothed line too.
 */

import { Track } from "./track.ts";

export class Smoothed {
  readonly track = new Track();
  #generation = -1;
  #done = 0;
  #sum = 0;
  #weight = 0;
  #x = 0;

  /** `strength` is what is kept of the average over a distance of `unit` in x: 0 is none, 0.99 much. */
  constructor(
    private readonly source: Track,
    readonly strength: number,
    readonly unit: number,
  ) {}

  /** Takes over what was added to the source. */
  follow(): Track {
    const { source, track } = this;
    source.settle();
    if (this.#generation !== source.generation) {
      track.clear();
      [this.#generation, this.#done, this.#sum, this.#weight] = [source.generation, 0, 0, 0];
    }
    for (; this.#done < source.length; this.#done++) {
      const [x, value] = [source.x[this.#done] as number, source.y[this.#done] as number];
      if (Number.isFinite(value)) {
        const kept = this.#weight ? this.strength ** ((x - this.#x) / this.unit) : 0;
        this.#weight = kept * this.#weight + 1;
        // The mean is moved, not a sum divided: values near the largest float do not overflow.
        this.#sum += (value - this.#sum) / this.#weight;
        this.#x = x;
      }
      track.push(x, Number.isFinite(value) ? this.#sum : value);
    }
    return track;
  }
}

/** The distance in x between neighbours of the densest track: what the smoothing counts in. */
export function spacing(tracks: readonly Track[]): number {
  const gaps = tracks.map(({ x, length }) => ((x[length - 1] as number) - (x[0] as number)) / (length - 1));
  const least = Math.min(...gaps.filter((gap) => gap > 0));
  return Number.isFinite(least) ? least : 1;
}
