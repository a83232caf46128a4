/** The lines of series along an x axis: made once, and longer with what was logged since. */

import { Smoothed, spacing } from "../../draw/smooth.ts";
import { Track } from "../../draw/track.ts";
import type { RunSeries } from "./run_data.ts";
import type { XAxis } from "./x_axis.ts";

class SeriesTrack {
  readonly track = new Track();
  #series: RunSeries | null = null;
  #generation = "";
  #done = 0;

  follow(series: RunSeries, axis: XAxis): Track {
    const generation = `${series.generation} ${axis.generation}`;
    if (series !== this.#series || generation !== this.#generation) {
      [this.#series, this.#generation, this.#done] = [series, generation, 0];
      this.track.clear();
    }
    const { values, low, high } = series;
    for (; this.#done < series.length; this.#done++) {
      const at = this.#done;
      const value = values[at] as number;
      this.track.push(axis.place(series, at), value, low?.[at] ?? value, high?.[at] ?? value);
    }
    this.track.settle();
    return this.track;
  }
}

export class Tracks {
  readonly #tracks = new Map<string, SeriesTrack>();
  readonly #smoothed = new Map<string, Smoothed>();

  /** `part` tells a finer part of a series from its whole. */
  of(series: RunSeries, axis: XAxis, part: "whole" | "closer" = "whole"): Track {
    const key = `${part} ${series.name}`;
    let track = this.#tracks.get(key);
    if (!track) {
      track = new SeriesTrack();
      this.#tracks.set(key, track);
    }
    return track.follow(series, axis);
  }

  /** The smoothed whole; null where there is nothing to smooth. */
  smoothed(series: RunSeries, axis: XAxis, strength: number, unit: number): Track | null {
    if (strength <= 0) return null;
    const source = this.of(series, axis);
    let smoothed = this.#smoothed.get(series.name);
    // As a run goes on its spacing wavers: the line is made anew when that would be seen.
    if (!smoothed || smoothed.strength !== strength || Math.abs(smoothed.unit / unit - 1) > 0.05) {
      smoothed = new Smoothed(source, strength, unit);
      this.#smoothed.set(series.name, smoothed);
    }
    return smoothed.follow();
  }

  spacing(series: readonly RunSeries[], axis: XAxis): number {
    return spacing(series.map((one) => this.of(one, axis)));
  }
}
