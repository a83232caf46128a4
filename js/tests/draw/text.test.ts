/** Tokens as text: invisible characters shown, long ones cut between graphemes. */
import { expect, it } from "vitest";
import { displayText, displayToken, graphemes } from "../../src/draw/text.ts";

it("makes white space and control characters visible", () => {
  expect(["\n", "  ", "", "a\tb", "\u0000"].map(displayToken)).toEqual(["↵", "␣␣", "∅", "a⇥b", "�"]);
});

it("leaves markup, right-to-left text and emoji as they are", () => {
  for (const text of ["<script>alert(1)</script>", '"><img onerror=x>', "שלום", "👩‍👩‍👧‍👦"])
    expect(displayToken(text)).toBe(text);
});

it("neutralises what would turn its neighbours around or break a layout engine", () => {
  const hidden = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u200b\ufeff\u2028\u2029\uffff";
  for (const mark of hidden) expect(displayToken(`a${mark}b`)).toBe("a�b");
  expect(displayToken("\ud800x")).toBe("�x");
  expect(displayToken("x\udfff")).toBe("x�");
  expect(displayToken("\u202eabc")).toBe("�abc");
  expect(displayToken("e\u0301 \u{1f600}\u200d")).toBe("e\u0301 \u{1f600}\u200d");
  expect(displayText(" two\nlines\u2067")).toBe(" two↵lines�");
});

it("cuts ten thousand characters", () => {
  const shown = displayToken("x".repeat(10_000));
  expect(shown).toBe(`${"x".repeat(200)}…`);
});

it("never cuts a family of emoji apart", () => {
  const family = "👩‍👩‍👧‍👦";
  expect(graphemes(`a${family}b`)).toEqual(["a", family, "b"]);
  expect(displayToken(family.repeat(30)).replaceAll(family, "").length).toBeLessThanOrEqual(1);
});
