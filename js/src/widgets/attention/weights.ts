/** The weights of the selected heads, row by row: whole matrices where they are small, blocks of rows where they are large. */

import type { Answer, Arguments, NdArray, ViewContext } from "../../runtime/context.ts";
import { matrixKey, type Place, whereOf } from "./place.ts";
import { isSuperseded, type Source } from "./source.ts";

/** Larger matrices come in blocks (rows) or tiles (map). */
export const WHOLE = 1024 * 1024;
export const BLOCK = 64;

/** Blocks kept for each head beside the page's cache, so that scrolling back repaints at once. */
const BLOCKS_KEPT = 24;

/** Weights kept of heads that are not shown any more, so that going back to one costs nothing. */
const KEPT = 4 * 1024 * 1024;

export function isWhole(place: Place): boolean {
  return place.entry.queries * place.entry.keys <= WHOLE;
}

/** The arguments of the question for all rows of a head. */
export function wholeHead(place: Place, head: number | "mean"): Arguments {
  return { ...whereOf(place), head, rows: null };
}

/** While the hand still goes down on a head: its weights are here once it is picked, where they come whole. */
export function askHeadAhead(context: ViewContext, place: Place, head: number): void {
  if (isWhole(place)) context.askAhead("attention.weights", wholeHead(place, head));
}

export interface HeadRows {
  /** The weights of one query over all keys; undefined where they have not come yet. */
  row(query: number): NdArray["data"] | undefined;
  /** The largest weight of the rows that have come. */
  readonly maximum: number;
}

class Stored implements HeadRows {
  /** By first row. */
  readonly blocks = new Map<number, NdArray>();
  private readonly views = new Map<number, NdArray["data"]>();

  maximum = 0;

  constructor(private readonly blockRows: number) {}

  /** Views are kept: making one costs more than reading it. */
  row(query: number): NdArray["data"] | undefined {
    const known = this.views.get(query);
    if (known) return known;
    const first = query - (query % this.blockRows);
    const block = this.blocks.get(first);
    const [rows = 0, keys = 0] = block?.shape ?? [];
    const row = query - first;
    if (!block || row >= rows) return undefined;
    const view = block.data.subarray(row * keys, (row + 1) * keys);
    this.views.set(query, view);
    return view;
  }

  add(first: number, block: NdArray, maximum: number): void {
    this.blocks.set(first, block);
    this.maximum = Math.max(this.maximum, maximum);
    const [oldest] = this.blocks.keys();
    if (this.blocks.size <= BLOCKS_KEPT || oldest === undefined) return;
    this.blocks.delete(oldest);
    for (let query = oldest; query < oldest + this.blockRows; query++) this.views.delete(query);
  }

  get size(): number {
    let size = 0;
    for (const { data } of this.blocks.values()) size += data.length;
    return size;
  }
}

/** What one request gives of a head: all rows, or a block of them. */
interface Piece {
  readonly key: string;
  readonly first: number;
  readonly shape: readonly [rows: number, keys: number];
  readonly blockRows: number;
  readonly args: Arguments;
  readonly control: string;
}

export class WeightRows {
  private readonly stored = new Map<string, Stored>();
  private readonly flying = new Set<string>();
  /** Why pieces did not come; null where they do not fit. They are asked for again once the reader comes back to the head. */
  private readonly failed = new Map<string, unknown>();

  constructor(
    private readonly source: Source,
    private readonly onArrival: () => void,
  ) {}

  /** What is here of a head, after taking what the page has cached; what is missing is asked for, `onArrival` follows. */
  heads(place: Place, from: number, to: number): (HeadRows | undefined)[] {
    const live = new Set(place.heads.map((head) => matrixKey(place, head)));
    let size = [...this.stored.values()].reduce((sum, head) => sum + head.size, 0);
    for (const [key, head] of this.stored) {
      if (size <= KEPT || live.has(key)) continue;
      this.stored.delete(key);
      size -= head.size;
    }
    for (const asked of this.failed.keys()) if (!live.has(asked.split(":")[0] as string)) this.failed.delete(asked);
    let error: unknown = null;
    const heads = place.heads.map((head, slot) => {
      for (const piece of piecesOf(place, head, from, to, slot)) {
        this.need(piece);
        error ??= this.failed.get(nameOf(piece));
      }
      return this.stored.get(matrixKey(place, head));
    });
    this.source.report(error);
    return heads;
  }

  private need(piece: Piece): void {
    if (this.stored.get(piece.key)?.blocks.has(piece.first) || this.failed.has(nameOf(piece))) return;
    const cached = this.source.cached("attention.weights", piece.args);
    if (cached) this.keep(piece, cached);
    else void this.ask(piece);
  }

  private async ask(piece: Piece): Promise<void> {
    const asked = nameOf(piece);
    if (this.flying.has(asked)) return;
    this.flying.add(asked);
    try {
      const answer = await this.source.ask("attention.weights", piece.args, piece.control);
      if (!this.keep(piece, answer)) this.failed.set(asked, null);
    } catch (error) {
      if (isSuperseded(error)) return;
      this.failed.set(asked, error);
    } finally {
      this.flying.delete(asked);
    }
    this.onArrival();
  }

  private keep({ key, first, shape, blockRows }: Piece, answer: Answer): boolean {
    const weights = this.source.array(answer, "weights", shape);
    if (!weights) return false;
    const found = this.stored.get(key) ?? new Stored(blockRows);
    found.add(first, weights, Number(answer.value.maximum));
    this.stored.set(key, found);
    return true;
  }
}

function nameOf({ key, first }: Piece): string {
  return `${key}:${first}`;
}

function piecesOf(place: Place, head: number, from: number, to: number, slot: number): Piece[] {
  const { queries, keys } = place.entry;
  const key = matrixKey(place, head);
  const args = { ...whereOf(place), head };
  if (isWhole(place)) {
    const whole = { first: 0, shape: [queries, keys], blockRows: Number.POSITIVE_INFINITY } as const;
    return [{ key, ...whole, args: wholeHead(place, head), control: `head-${slot}` }];
  }
  return blocksBetween(from, to, queries).map(([start, stop]) => ({
    key,
    first: start,
    shape: [stop - start, keys],
    blockRows: BLOCK,
    args: { ...args, rows: [start, stop] },
    control: `head-${slot}-${(start / BLOCK) % 4}`,
  }));
}

/** The 64-aligned blocks that hold the rows from `from` to `to`, not included. */
export function blocksBetween(from: number, to: number, rows: number): [start: number, stop: number][] {
  const first = Math.floor(from / BLOCK);
  const last = Math.ceil(Math.min(to, rows) / BLOCK);
  return Array.from({ length: Math.max(0, last - first) }, (_, i) => [
    (first + i) * BLOCK,
    Math.min(rows, (first + i + 1) * BLOCK),
  ]);
}
