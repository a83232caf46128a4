/** Tokens as text: invisible characters shown, long ones cut between graphemes. */
import { expect, it } from "vitest";
import { displayToken, graphemes } from "../../src/draw/text.ts";

it("makes white space and control characters visible", () => {
  expect(["\n", "  ", "", "a\tb", "\u0000"].map(displayToken)).toEqual(["↵", "␣␣", "∅", "a⇥b", "�"]);
});

it("leaves markup, right-to-left text and emoji as they are", () => {
  for (const text of ["<script>alert(1)</script>", '"><img onerror=x>', "שלום", "👩‍👩‍👧‍👦"])
    expect(displayToken(text)).toBe(text);
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
