/**
 * In every page of the benchmarks, before Lab's own code: when does a canvas show something else after an event?
 *
 * What counts is pixels, whoever painted them and however: in each frame the canvas is read back. A change is on the
 * screen once the frame that holds it is done, which is when a message that its callback posted arrives.
 */
(() => {
  const packets = [];
  const note = (way, data) =>
    packets.push({ way, at: performance.now(), bytes: data.byteLength ?? data.length ?? data.size });
  globalThis.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      this.addEventListener("message", (event) => note("in", event.data));
    }
    send(data) {
      note("out", data);
      super.send(data);
    }
  };

  const afterFrame = (callback) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = callback;
    port2.postMessage(null);
  };

  /** A hash over eight rows of its pixels: reading back all of them would slow the page that is measured. */
  function pixels(canvas) {
    const context = canvas.getContext("2d");
    let hash = canvas.width;
    for (let row = 1; row < 16; row += 2) {
      const { data } = context.getImageData(0, Math.floor((canvas.height * row) / 16), canvas.width, 1);
      for (const word of new Uint32Array(data.buffer)) hash = Math.imul(hash ^ word, 16777619);
    }
    return hash;
  }

  /** Resolves when the canvas has changed after an event of `type` and then stood still for `still` milliseconds. */
  function watch(canvas, type, still, limit) {
    let began = null;
    let seen = pixels(canvas);
    const changes = [];
    const armed = performance.now();
    const listening = new AbortController();
    packets.length = 0;
    addEventListener(type, (event) => { began = event.timeStamp; }, { capture: true, signal: listening.signal });
    return new Promise((resolve, reject) => {
      const look = () => {
        const now = performance.now();
        const last = changes.at(-1);
        if (last?.painted && now - Math.max(last.drawn, began) > still) {
          listening.abort();
          const traffic = packets.filter(({ at }) => at >= began && at <= last.drawn);
          return resolve({ began, changes, traffic });
        }
        if (now - Math.max(armed, began ?? 0) > limit) {
          return reject(new Error(`the picture did not change within ${limit} ms after ${began === null ? "no" : "a"} ${type}`));
        }
        requestAnimationFrame(look);
        const hash = began === null ? seen : pixels(canvas);
        if (hash === seen) return;
        seen = hash;
        const change = { drawn: performance.now(), painted: null, hash };
        changes.push(change);
        afterFrame(() => { change.painted = performance.now(); });
      };
      requestAnimationFrame(look);
    });
  }

  globalThis.benchmark = { watch, pixels, packets };
})();
