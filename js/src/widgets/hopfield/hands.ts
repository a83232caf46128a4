/** Hands on the grid of units: strokes of the pointer, and a cell cursor for the keys. */

export interface Cell {
  readonly row: number;
  readonly column: number;
}

export interface GridHands {
  readonly size: () => readonly [height: number, width: number];
  cellAt(event: MouseEvent): Cell | null;
  /** A stroke begins; false where there is nothing to paint on. */
  begin(): boolean;
  paint(cell: Cell): void;
  /** The cursor went somewhere, or away. */
  cursor(cell: Cell | null): void;
}

const ARROWS: Readonly<Record<string, readonly [down: number, right: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

export function listenToGrid(canvas: HTMLCanvasElement, hands: GridHands, signal: AbortSignal): void {
  const on = <K extends keyof HTMLElementEventMap>(type: K, listener: (event: HTMLElementEventMap[K]) => void) =>
    canvas.addEventListener(type, listener, { signal });
  let last: Cell | null = null;
  let cursor: Cell | null = null;
  canvas.style.touchAction = "none";

  on("pointerdown", (event) => {
    const cell = hands.cellAt(event);
    if (event.button !== 0 || !event.isPrimary || !cell || !hands.begin()) return;
    canvas.setPointerCapture(event.pointerId);
    last = cell;
    move(null);
    hands.paint(cell);
  });
  on("pointermove", (event) => {
    const cell = last && hands.cellAt(event);
    if (!last || !cell) return;
    for (const between of line(last, cell)) hands.paint(between);
    last = cell;
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"] as const) {
    on(end, () => {
      last = null;
    });
  }
  on("focus", () => {
    if (canvas.matches(":focus-visible")) move(cursor ?? middle());
  });
  on("blur", () => hands.cursor(null));
  on("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const [height, width] = hands.size();
    const arrow = ARROWS[event.key];
    const at = cursor ?? middle();
    if (arrow) {
      const step = event.shiftKey ? 5 : 1;
      const row = Math.min(height - 1, Math.max(0, at.row + step * arrow[0]));
      move({ row, column: Math.min(width - 1, Math.max(0, at.column + step * arrow[1])) });
    } else if (event.key === "Home") move({ row: at.row, column: 0 });
    else if (event.key === "End") move({ row: at.row, column: width - 1 });
    else if (event.key === " " || event.key === "Enter") {
      move(at);
      if (hands.begin()) hands.paint(at);
    } else return;
    event.preventDefault(); // and so the player, which listens around, leaves the key alone
  });

  function move(to: Cell | null): void {
    cursor = to ?? cursor;
    hands.cursor(to);
  }

  function middle(): Cell {
    const [height, width] = hands.size();
    return { row: Math.floor(height / 2), column: Math.floor(width / 2) };
  }
}

/** The cells from one to the other: a quick hand leaves no gaps. */
export function line(from: Cell, to: Cell): Cell[] {
  const steps = Math.max(Math.abs(to.row - from.row), Math.abs(to.column - from.column));
  return Array.from({ length: steps }, (_, at) => ({
    row: Math.round(from.row + ((to.row - from.row) * (at + 1)) / steps),
    column: Math.round(from.column + ((to.column - from.column) * (at + 1)) / steps),
  }));
}
