/** Reads arrays off the wire. The Python half is `nnwidgets/wire/codec.py`; both are tested with the same fixtures. */

import type { Codes, NdArray } from "./context";

export interface Header {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly coding: "raw" | "linear8" | "linear16" | "sqrt8" | "sqrt16";
  readonly range?: readonly [number, number];
  readonly specials?: boolean;
  /** In saved pages: the bytes are differences to those so far before them, taken in this order. */
  readonly filter?: readonly number[];
}

type TypedArray = NdArray["data"];
type TypedArrayClass = { new (buffer: ArrayBuffer): TypedArray; readonly BYTES_PER_ELEMENT: number };

const CLASSES: Readonly<Record<string, TypedArrayClass>> = {
  float32: Float32Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
};

const SPECIALS = 3;

export function decode(header: Header, bytes: DataView): NdArray {
  const codes = typed(header.dtype, header.filter ? unfiltered(bytes, header.filter) : bytes);
  const count = header.shape.reduce((product, size) => product * size, 1);
  if (codes.length !== count) {
    throw new Error(
      `an array of shape [${header.shape.join(", ")}] came with ${codes.length} values instead of ${count}`,
    );
  }
  if (header.coding === "raw") return { shape: header.shape, data: codes };
  return new CodedArray(header.shape, { codes: codes as Codes["codes"], values: values(header) });
}

/** Decoded when its numbers are first asked for: somebody may be waiting for the picture, which needs none. */
class CodedArray implements NdArray {
  #data: Float32Array | undefined;

  constructor(
    readonly shape: readonly number[],
    readonly coded: Codes,
  ) {}

  get data(): Float32Array {
    if (this.#data === undefined) {
      const { codes, values } = this.coded;
      const data = new Float32Array(codes.length);
      for (let index = 0; index < data.length; index++) data[index] = values[codes[index] as number] as number;
      this.#data = data;
    }
    return this.#data;
  }
}

/** The value of each code. A table of 256 or 65,536 entries is quicker than arithmetic for each pixel. */
function values(header: Header): Float32Array {
  const size = header.dtype === "uint8" ? 256 : 65536;
  const top = size - 1;
  const levels = header.specials ? top - SPECIALS : top;
  const [low, high] = header.range ?? [0, 1];
  const squareRoot = header.coding.startsWith("sqrt");
  const table = new Float32Array(size);
  for (let code = 0; code < size; code++) {
    const unit = Math.fround(code / levels);
    table[code] = low + (squareRoot ? Math.fround(unit * unit) : unit) * Math.fround(high - low);
  }
  if (header.specials) {
    table[top] = Number.NaN;
    table[top - 1] = Number.POSITIVE_INFINITY;
    table[top - 2] = Number.NEGATIVE_INFINITY;
  }
  return table;
}

/** What `nnwidgets/wire/filters.py` did, undone. */
function unfiltered(bytes: DataView, distances: readonly number[]): DataView {
  const data = new Uint8Array(bytes.byteLength);
  data.set(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  for (const distance of distances.toReversed()) {
    for (let at = distance; at < data.length; at++) data[at] = (data[at] as number) + (data[at - distance] as number);
  }
  return new DataView(data.buffer);
}

function typed(dtype: string, bytes: DataView): TypedArray {
  const Class = CLASSES[dtype];
  if (Class === undefined) throw new Error(`an array came with the unknown dtype ${dtype}`);
  // A copy: the view may begin at an odd offset, and it would keep the whole message alive. Browsers are little-endian.
  return new Class(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer);
}
