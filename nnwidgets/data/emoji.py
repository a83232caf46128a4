"""Google's emoji as emoji-data packs them, one sheet of all, as arrays."""

import json
from pathlib import Path

import numpy as np

LIST, FOLDER, SHEET = "emoji.json", "img/google/sheets", "32.png"
SIZE, BORDER = 32, 1  # pixels of an emoji, and of the empty border around it


def unpack(files: Path, target: Path) -> None:
    """Fill `target` with emoji.npz: `images` uint8 [1911, 32, 32, 3], on white; `names`, such as "grinning";
    `labels` uint8 [1911], places in `categories`, such as "Food & Drink"."""
    from PIL import Image

    listed = sorted(json.loads((files / LIST).read_text("utf-8")), key=lambda each: each["sort_order"])
    with Image.open(files / SHEET) as sheet:
        white = Image.new("RGBA", sheet.size, "white")
        pixels = np.asarray(Image.alpha_composite(white, sheet.convert("RGBA")).convert("RGB"))
    images = []
    for each in listed:
        left, top = (each[place] * (SIZE + 2 * BORDER) + BORDER for place in ("sheet_x", "sheet_y"))
        images.append(pixels[top : top + SIZE, left : left + SIZE])
    categories = sorted({each["category"] for each in listed})
    np.savez(
        target / "emoji.npz",
        images=np.stack(images),
        labels=np.array([categories.index(each["category"]) for each in listed], np.uint8),
        categories=np.array(categories),
        names=np.array([each["short_name"] for each in listed]),
    )
