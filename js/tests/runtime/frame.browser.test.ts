/** The frame in a real browser: its Cancel button under a stream of progress, and keys that stay inside. */
import { beforeEach, describe, expect, it } from "vitest";
import { page, userEvent } from "vitest/browser";
import { createFrame, ensureStyle, type Frame } from "../../src/runtime/frame";

let frame: Frame;

beforeEach(() => {
  frame = createFrame();
  document.body.replaceChildren(frame.element);
  ensureStyle(frame.element);
});

describe("progress", () => {
  it("keeps its button under the pointer while it moves", async () => {
    const cancelled: string[] = [];
    let done = 0;
    const report = (): void => {
      done = Math.min(1, done + 0.01);
      frame.progress([{ id: "job", label: "Running BERT", done }], (id) => cancelled.push(id));
    };
    report();
    const timer = setInterval(report, 10);
    await userEvent.click(page.getByRole("button", { name: "Cancel: Running BERT" }), { delay: 90 });
    clearInterval(timer);
    expect(cancelled).toEqual(["job"]);
    expect(document.activeElement?.textContent).toBe("Cancel");
    frame.progress([], () => {});
    expect(page.getByRole("progressbar").elements()).toHaveLength(0);
  });
});

describe("the frame", () => {
  it("says sentences as text", async () => {
    frame.complain("<img src=x onerror=alert(1)>");
    await expect.element(page.getByRole("alert")).toHaveTextContent("<img src=x onerror=alert(1)>");
    expect(frame.element.querySelector("img")).toBeNull();
    frame.complain(null);
    expect(frame.element.querySelector<HTMLElement>("[role=alert]")?.hidden).toBe(true);
  });

  it("keeps keys from the notebook around it", async () => {
    const heard: string[] = [];
    document.body.addEventListener("keydown", (event) => heard.push(event.key), { once: true });
    const slider = document.createElement("input");
    slider.type = "range";
    frame.root.append(slider);
    slider.focus();
    await userEvent.keyboard("{ArrowRight}");
    expect(slider.value).toBe("51");
    expect(heard).toEqual([]);
  });

  it("brings its style once for each document", () => {
    ensureStyle(frame.element);
    expect(document.querySelectorAll("style[data-nnw]")).toHaveLength(1);
  });
});
