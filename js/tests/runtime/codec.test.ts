/** The array codec, by the fixtures that the Python half is tested with (tests/wire/test_codec.py). */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decode, type Header } from "../../src/runtime/codec";

interface Fixture {
  readonly name: string;
  readonly header: Header;
  readonly data: string;
  readonly decoded: readonly (number | string)[];
}

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../tests/fixtures/${name}.json`, import.meta.url), "utf8")) as Fixture[];
const fixtures = read("codec");
const number = (text: number | string): number =>
  text === "inf" ? Infinity : text === "-inf" ? -Infinity : Number(text);

function bytes(base64: string, offset = 0): DataView {
  const packed = Buffer.from(base64, "base64");
  const room = new Uint8Array(packed.length + offset);
  room.set(packed, offset);
  return new DataView(room.buffer, offset);
}

describe("decode", () => {
  it.each(fixtures)("reads $name", ({ header, data, decoded }) => {
    const array = decode(header, bytes(data));
    expect(array.shape).toEqual(header.shape);
    expect(array.data.length).toBe(decoded.length);
    decoded.forEach((text, index) => {
      const expected = number(text);
      if (Number.isFinite(expected)) expect(array.data[index]).toBeCloseTo(expected, 6);
      else expect(array.data[index]).toBe(expected);
    });
  });

  it.each(read("filters"))("undoes the differences of a saved page: $name", ({ header, data, decoded }) => {
    expect([...decode(header, bytes(data, 3)).data]).toEqual(decoded);
  });

  it("reads bytes that begin at an odd offset of their message", () => {
    const fixture = fixtures.find(({ name }) => name === "linear16") as Fixture;
    expect([...decode(fixture.header, bytes(fixture.data, 3)).data]).toEqual([
      ...decode(fixture.header, bytes(fixture.data)).data,
    ]);
  });

  it("refuses an array that is shorter than its shape says", () => {
    const header: Header = { dtype: "uint8", shape: [2, 3], coding: "raw" };
    expect(() => decode(header, new DataView(new ArrayBuffer(5)))).toThrow("shape [2, 3] came with 5 values");
  });
});
