/** A hand on a plane: drag a cursor with the pointer, move it with the arrow keys, point at what lies there. */

export interface PadPoint {
  /** px from the left and the top edge of the pad. */
  readonly x: number;
  readonly y: number;
}

export interface PadHands {
  /** The cursor goes along with the pointer. */
  drag(point: PadPoint): void;
  /** Whether there is something to click here: then the cursor stays until the hand moves on. */
  holds(point: PadPoint): boolean;
  click(point: PadPoint): void;
  /** The pointer is here, with no button down; null: it is gone. */
  hover(point: PadPoint | null): void;
  /** Arrow keys: so many steps to the right and upwards. */
  move(right: number, up: number): void;
  home(): void;
  enter(): void;
  escape(): void;
}

/** Steps of an arrow key with Shift. */
const FAST = 5;
/** px that a hand moves before a click becomes a drag. */
const SLACK = 4;

const ARROWS: Readonly<Record<string, readonly [right: number, up: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

/** `pad` must be able to have the focus. */
export function listenToPad(pad: HTMLElement, hands: PadHands, signal: AbortSignal): void {
  let down: { readonly point: PadPoint; dragging: boolean } | null = null;
  const at = (event: PointerEvent): PadPoint => {
    const box = pad.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  pad.style.touchAction = "none";
  pad.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button !== 0 || !event.isPrimary) return;
      const point = at(event);
      pad.setPointerCapture(event.pointerId);
      down = { point, dragging: !hands.holds(point) };
      if (down.dragging) {
        hands.hover(null);
        hands.drag(point);
      }
    },
    { signal },
  );
  pad.addEventListener(
    "pointermove",
    (event) => {
      const point = at(event);
      if (down === null) {
        hands.hover(point);
        return;
      }
      if (!down.dragging && Math.hypot(point.x - down.point.x, point.y - down.point.y) > SLACK) {
        down.dragging = true;
        hands.hover(null);
      }
      if (down.dragging) hands.drag(point);
    },
    { signal },
  );
  pad.addEventListener(
    "pointerup",
    () => {
      if (down !== null && !down.dragging) hands.click(down.point);
      down = null;
    },
    { signal },
  );
  for (const end of ["pointercancel", "lostpointercapture"] as const) {
    pad.addEventListener(
      end,
      () => {
        down = null;
      },
      { signal },
    );
  }
  pad.addEventListener("pointerleave", () => down === null && hands.hover(null), { signal });
  pad.addEventListener(
    "keydown",
    (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const arrow = ARROWS[event.key];
      if (arrow) hands.move(arrow[0] * (event.shiftKey ? FAST : 1), arrow[1] * (event.shiftKey ? FAST : 1));
      else if (event.key === "Home") hands.home();
      else if (event.key === "Enter") hands.enter();
      else if (event.key === "Escape") hands.escape();
      else return;
      event.preventDefault();
    },
    { signal },
  );
}
