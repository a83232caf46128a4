"""The peers: the plainest anywidgets that ask the kernel by a message of their own and paint the bytes that come back.

No anywidget that asks its kernel can be quicker than `PICK`, which does nothing but that; `FLOOD` is what a slider is
when each of its events sends a message.
"""

PICK = '''
import anywidget, traitlets
from nnwidgets.wire.codec import encode

class Bare(anywidget.AnyWidget):
    _esm = """export default { render({ model, el }) {
      const canvas = Object.assign(document.createElement("canvas"), { width: 512, height: 512 });
      const context = canvas.getContext("2d");
      const image = context.createImageData(512, 512);
      const pixels = new Uint32Array(image.data.buffer);
      for (let head = 0; head < 12; head++) {
        const button = Object.assign(document.createElement("button"), { textContent: head });
        button.onclick = () => model.send({ head });
        el.append(button);
      }
      el.append(document.createElement("br"), canvas);
      model.on("msg:custom", (content, [bytes]) => {
        for (let at = 0; at < pixels.length; at++) pixels[at] = 0xff000000 | bytes.getUint8(at) * 0x010101;
        context.putImageData(image, 0, 0);
      });
    } };"""

def make_bare(session):
    sent = [encode(session.attention.weights(layer=0, head=head), "sqrt8").data for head in range(12)]
    bare = Bare()
    bare.on_msg(lambda widget, content, buffers: widget.send({}, [sent[content["head"]]]))
    return bare
'''

FLOOD = '''
import anywidget, time

class Naive(anywidget.AnyWidget):
    _esm = """export default { render({ model, el }) {
      const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
      const context = canvas.getContext("2d");
      const input = Object.assign(document.createElement("input"), { type: "number" });
      input.oninput = () => model.send({ value: input.valueAsNumber });
      el.append(input, canvas);
      model.on("msg:custom", ({ value }) => {
        context.clearRect(0, 0, 64, 64);
        context.fillText(value, 4, 40);
      });
    } };"""

def answer(widget, content, buffers):
    time.sleep(0.05)
    widget.send({"value": content["value"]})

def make_naive():
    naive = Naive()
    naive.on_msg(answer)
    return naive
'''
