/** Colours that mean something: colour maps for magnitudes, and one colour for each head, the same in every widget. */

export type ColorMap = "viridis" | "magma" | "cividis" | "gray";
export const COLOR_MAPS: readonly ColorMap[] = ["viridis", "magma", "cividis", "gray"];

/**
 * Knots of matplotlib's 256 colours: index, red, green, blue, in hexadecimal. What is interpolated between them differs
 * from the originals by at most 1 of 255.
 */
const KNOTS: Record<ColorMap, string> = {
  viridis:
    "004401540d4814671c48287829453882373f488949365c8d582f6b8e7823898e8b1e9b8a9922a884a22ab07fae3bbb75bc56c667cb77d153d590d743e9c5e021f2dde318f9efe51cfffde725",
  magma:
    "000000040602020d100a08221d19103f27271258333b0f703e4e117b4b6219805d7e2482719e2f7f7fb5367a8fcf40709adf4a68a7ee5b5eb1f66c5cbdfb835fcefea36fe5fecd90fffcfdbf",
  cividis:
    "0000224e0100234f1300306f170132711c12357025233c6e3538476c484b546c5b5d616e6d6c6e727e7b7a7897928d78aba69c74c3bfb06bd4d1bf61e2e0cb56f2f2da44fbfde334fffee838",
  gray: "00000000ffffffff",
};

const tables = new Map<ColorMap, Uint32Array>();

/** 256 opaque pixels as a little-endian canvas stores them (0xAABBGGRR). */
export function colorTable(map: ColorMap): Uint32Array {
  let table = tables.get(map);
  if (!table) {
    const knots = (KNOTS[map].match(/.{8}/g) ?? []).map((knot) => Number.parseInt(knot, 16));
    table = new Uint32Array(256);
    for (const [at, high] of knots.entries()) {
      const low = knots[Math.max(0, at - 1)] as number;
      const [first, last] = [low >>> 24, high >>> 24];
      for (let i = first; i <= last; i++) {
        const share = last > first ? (i - first) / (last - first) : 0;
        const mixed = (shift: number) => {
          const [from, to] = [(low >> shift) & 255, (high >> shift) & 255];
          return Math.round(from + share * (to - from));
        };
        table[i] = pixel(mixed(16), mixed(8), mixed(0));
      }
    }
    tables.set(map, table);
  }
  return table;
}

export function pixel(red: number, green: number, blue: number): number {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

export function css(color: number): string {
  return `rgb(${color & 255} ${(color >> 8) & 255} ${(color >> 16) & 255})`;
}

/** Okabe & Ito (2008), ordered so that the first ones stand out on white and on black; black gave way to grey. */
const OKABE_ITO: readonly (readonly [number, number, number])[] = [
  [0, 114, 178],
  [213, 94, 0],
  [0, 158, 115],
  [204, 121, 167],
  [230, 159, 0],
  [86, 180, 233],
  [153, 153, 153],
  [240, 228, 66],
];

/** Heads beyond the eighth get the same hues again, darker, and then lighter: told apart, yet the same in both themes. */
const CYCLES: readonly (readonly [toward: number, amount: number])[] = [
  [0, 0],
  [0, 0.38],
  [255, 0.48],
];

/** The colour of a head, in every widget. */
export function headColor(head: number): string {
  const color = OKABE_ITO[head % OKABE_ITO.length] as readonly [number, number, number];
  const [toward, amount] = CYCLES[Math.floor(head / OKABE_ITO.length) % CYCLES.length] as readonly [number, number];
  return `rgb(${color.map((part) => Math.round(part + amount * (toward - part))).join(" ")})`;
}

/** Black or white, whichever is read better on a head's colour. */
export function inkOn(color: string): string {
  const [red = 0, green = 0, blue = 0] = color.match(/\d+/g)?.map((part) => (Number(part) / 255) ** 2.2) ?? [];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.25 ? "#000" : "#fff";
}
