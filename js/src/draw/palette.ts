/** Colours that mean something: colour maps for magnitudes, and one colour for each head, the same in every widget. */

export type ColorMap = "viridis" | "magma" | "cividis" | "gray";
export const COLOR_MAPS: readonly ColorMap[] = ["viridis", "magma", "cividis", "gray"];

/** Every fifth of matplotlib's 256 colours; what is interpolated between differs by less than 1 of 255 (cividis: 4). */
const STOPS: Record<ColorMap, string> = {
  viridis:
    "44015446085c471063481769481d6f482475472a7a46307e453781433d844142873f48893d4e8a3a538b38598c355e8d33638d31688e2e6d8e2c718e2a768e297b8e27808e25848e23898e218e8d20928c1f978b1e9c891fa18821a58524aa8328ae802eb37c35b7793dbc7446c06f50c46a5ac86465cb5e70cf577cd25089d54895d840a2da37b0dd2fbddf26cae11fd8e219e5e419f1e51dfde725",
  magma:
    "00000402020b0504160907200e0b2b140e361a104221114e29115a311165390f6e420f754a107952137c5a167e6219806a1c81721f81792282812581892881912b81992d80a1307eaa337db2357bba3878c23b75ca3e72d2426fd9466be04c67e75263ec5860f1605df4695cf7725cf97b5dfb8560fc8e64fd9869fea16efeaa74feb47bfebd82fec68afecf92fed89afde2a3fdebacfcf4b6fcfdbf",
  cividis:
    "00224e002656002a5f002d68003070083370163770203a6f273e6e2e416d34456c3a486c3f4c6c444f6c49536c4e566c535a6d575d6d5c616e60646f656870696b716d6f727272747676767a7a787e7d788381798885788d8878928c789690779b9476a09875a59c74aaa073afa471b5a86fbaac6dbfb06bc4b468c9b965cfbd62d4c15fdac65bdfca57e5cf52ead34cf0d846f6dd3ffce236fee838",
  gray: "000000ffffff",
};

const tables = new Map<ColorMap, Uint32Array>();

/** 256 opaque pixels as a little-endian canvas stores them (0xAABBGGRR). */
export function colorTable(map: ColorMap): Uint32Array {
  let table = tables.get(map);
  if (!table) {
    const stops = STOPS[map];
    const last = stops.length / 6 - 1;
    const channel = (stop: number, c: number) =>
      Number.parseInt(stops.slice(6 * stop + 2 * c, 6 * stop + 2 * c + 2), 16);
    table = Uint32Array.from({ length: 256 }, (_, i) => {
      const place = (i / 255) * last;
      const stop = Math.min(Math.floor(place), last - 1);
      const mixed = (c: number) => {
        const low = channel(stop, c);
        return Math.round(low + (place - stop) * (channel(stop + 1, c) - low));
      };
      return pixel(mixed(0), mixed(1), mixed(2));
    });
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
