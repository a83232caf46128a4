/** The player in a real page: its keys, its clock, its hands. */

import { afterEach, beforeEach, expect, it } from "vitest";
import { userEvent } from "vitest/browser";
import { createPlayer, type Player, type PlayerHooks } from "../../src/controls/player.ts";

let player: Player;
let ended: AbortController;
let steps: number[];
const state = { speed: 0, loop: false };

function show(last: number, more: Partial<PlayerHooks> = {}): void {
  player = createPlayer(
    {
      onStep: (step) => void steps.push(step),
      onSpeed: (speed) => {
        state.speed = speed;
      },
      onLoop: (loop) => {
        state.loop = loop;
      },
      ...more,
    },
    ended.signal,
  );
  player.show(0, last);
  document.body.append(player.element);
}

beforeEach(() => {
  ended = new AbortController();
  steps = [];
});
afterEach(() => {
  ended.abort();
  document.body.replaceChildren();
});

const scrubber = () => player.element.querySelector(".nnw-scrubber") as HTMLInputElement;
const button = (name: RegExp) =>
  [...player.element.querySelectorAll("button")].find((each) =>
    name.test(each.getAttribute("aria-label") ?? ""),
  ) as HTMLButtonElement;

it("goes by keys: single steps, tenths, ends", async () => {
  show(50);
  scrubber().focus();
  await userEvent.keyboard("{ArrowRight}{ArrowRight}{ArrowLeft}{PageDown}{End}{ArrowRight}{PageUp}{Home}");
  expect(steps).toEqual([1, 2, 1, 6, 50, 45, 0]);
  expect(scrubber().getAttribute("aria-valuetext")).toBe("step 0 of 50");
});

it("goes by buttons, which keep the focus at the ends", async () => {
  show(2);
  for (const name of [/One on/, /First/, /Last/, /One back/, /One back/]) await userEvent.click(button(name));
  expect(steps).toEqual([1, 0, 2, 1, 0]);
  expect(button(/One back/).getAttribute("aria-disabled")).toBe("true");
  expect(document.activeElement).toBe(button(/One back/));
  await userEvent.keyboard("{Enter}{End}"); // at the end a press does nothing, and the next key is still the player's
  expect(steps).toEqual([1, 0, 2, 1, 0, 2]);
});

it("plays every step at its speed, and ends at the end", async () => {
  show(12);
  player.showSpeed(30);
  const begun = performance.now();
  scrubber().focus();
  await userEvent.keyboard(" ");
  expect(player.playing).toBe(true);
  expect(button(/Pause/)).toBeTruthy();
  await expect.poll(() => player.playing).toBe(false);
  const took = performance.now() - begun;
  expect(steps.at(-1)).toBe(12);
  expect(took).toBeGreaterThan((12 * 1000) / 30 - 40);
  steps.length = 0;
  await userEvent.keyboard(" ");
  expect(steps[0]).toBe(0); // from the end it begins again
  await userEvent.keyboard(" ");
  expect(player.playing).toBe(false);
});

it("begins again where it loops, and a hand on it stops it", async () => {
  show(3);
  await userEvent.click(player.element.querySelector("input[type=checkbox]") as HTMLElement);
  expect(state.loop).toBe(true);
  player.showSpeed(30);
  await userEvent.click(button(/Play/));
  await expect.poll(() => steps.filter((step) => step === 0).length).toBeGreaterThan(1);
  await userEvent.click(button(/One back/));
  expect(player.playing).toBe(false);
});

it("waits for a picture that is not here", async () => {
  let here = 4;
  show(8, { ready: (step) => step <= here });
  player.showSpeed(30);
  player.play();
  await expect.poll(() => steps.at(-1)).toBe(4);
  await new Promise((done) => setTimeout(done, 150));
  expect([steps.at(-1), player.playing]).toEqual([4, true]);
  here = 8;
  await expect.poll(() => steps.at(-1)).toBe(8);
});

it("has speeds within bounds, by keys too", async () => {
  show(5);
  scrubber().focus();
  await userEvent.keyboard("+");
  expect(state.speed).toBe(25);
  await userEvent.keyboard("+++");
  expect(state.speed).toBe(30);
  for (let press = 0; press < 12; press++) await userEvent.keyboard("-");
  expect(state.speed).toBe(1);
});

it("leaves keys to a field that is written in, and to the speed's own slider", async () => {
  show(5);
  const field = document.createElement("input");
  player.element.append(field);
  field.focus();
  await userEvent.keyboard("a +-{ArrowRight}{Home}");
  expect([field.value, steps, player.playing]).toEqual(["a +-", [], false]);
  (player.element.querySelector(".nnw-player-pace input[type=range]") as HTMLElement).focus();
  await userEvent.keyboard("{ArrowLeft}");
  expect([steps, state.speed]).toEqual([[], 19]);
});

it("stops when it is taken out of the page, and when its view ends", async () => {
  show(500);
  player.play();
  player.element.hidden = true;
  player.element.style.display = "none";
  await expect.poll(() => player.playing).toBe(false);
  player.element.style.display = "";
  player.play();
  ended.abort();
  expect(player.playing).toBe(false);
});

it("gives its keys to the picture too", async () => {
  show(9);
  const picture = document.createElement("div");
  picture.tabIndex = 0;
  player.listen(picture);
  document.body.append(picture);
  picture.focus();
  await userEvent.keyboard("{ArrowRight}{End}");
  expect(steps).toEqual([1, 9]);
});
